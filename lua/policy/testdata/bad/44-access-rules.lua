local kumo = require 'kumo'

local closed = kumo.aaa.make_access_control_list {
  { criteria = { Identity = { Group = 7 } }, privilege = 'GET', access = 'Allow' },
  { criteria = { AllOf = {} }, privilege = 'GET', access = 'allow' },
  { criteria = { Identity = { Machine = '10.0.0.0/8' } }, privilege = '', access = 'Deny', extra = 1 },
}
