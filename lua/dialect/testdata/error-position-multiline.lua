local a = {
  x = 1,
}
local function f()
  local y =
    1 +
    2
  error("here")
end
f()
