package policy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

// kumoNames are the functions of KumoMTA's proxy-server by module, as its
// registration list has them. Those marked + are likely in the policy of a proxy
// and must be here; those marked - must be here or be refused with a reason. Some
// of the latter, such as kafka, are modules that are refused whole.
var kumoNames = map[string]string{
	"proxy": "+start_proxy_listener +start_http_listener",
	"kumo": `+start_proxy_listener +on -get_event_registrars +log_error +log_warn +log_info +log_debug
		+set_diagnostic_log_filter +set_max_spare_lua_contexts +set_max_lua_context_use_count +set_max_lua_context_age
		-set_lua_gc_on_put -set_lruttl_cache_capacity -set_config_monitor_globs -eval_config_monitor_globs
		+bump_config_epoch -available_parallelism -set_memory_hard_limit -set_memory_soft_limit -set_memory_low_thresh
		-get_memory_hard_limit -get_memory_soft_limit -get_memory_low_thresh -configure_redis_throttles -traceback
		+spawn_task -spawn_thread_pool -validation_failed -enable_memory_callstack_tracking -prometheus_metrics
		+sleep +memoize
		+json_load +json_parse +json_encode +json_encode_pretty +toml_load +toml_parse +toml_encode +toml_encode_pretty
		+read_dir +glob +uncached_glob
		-file_type -jsonl -kafka -nats -amqp -mimepart -shaping`,
	"kumo.aaa": `-configure_acct_log -set_acl_cache_ttl -set_check_cache_ttl -make_access_control_list -load_acl_map
		-set_fall_back_to_acl_map -make_http_url_resource -query_resource_access`,
	"kumo.secrets": "+load",
	"kumo.digest": `+sha1 +sha224 +sha256 +sha384 +sha512 +sha512_256 +sha3_256 +sha3_384 +sha3_512
		+hmac_sha1 +hmac_sha224 +hmac_sha256 +hmac_sha384 +hmac_sha512 -crc32`,
	"kumo.crypto": "-aes_encrypt_block -aes_decrypt_block -aws_sign_v4",
	"kumo.encode": `+base32_encode +base32_decode +base32hex_encode +base32hex_decode +base32hex_nopad_encode
		+base32hex_nopad_decode +base32_nopad_encode +base32_nopad_decode +base64_encode +base64_decode
		+base64url_encode +base64url_decode +base64url_nopad_encode +base64url_nopad_decode +base64_nopad_encode
		+base64_nopad_decode +hex_encode +hex_decode -charset_encode -charset_decode`,
	"kumo.serde": `+json_load +toml_load +yaml_load +json_parse +toml_parse +yaml_parse +json_encode +json_encode_pretty
		+toml_encode +toml_encode_pretty +toml_encode_pretty_compact +yaml_encode`,
	"kumo.string": `+replace +replacen +split +splitn +rsplit +rsplitn +split_whitespace +split_ascii_whitespace
		+starts_with +ends_with +trim +trim_start +trim_end -psl_domain -psl_suffix -eval_template -wrap
		-normalize_smtp_response`,
	"kumo.regex":         "+compile +escape",
	"kumo.regex_set_map": "-new",
	"kumo.cidr":          "+make_map",
	"kumo.domain_map":    "-new",
	"kumo.time": `+now +from_unix_timestamp +with_ymd_hms +parse_rfc3339 +parse_rfc2822 +parse_duration +sleep
		-start_timer`,
	"kumo.uuid": "-parse -new_v1 -new_v4 -new_v6 -new_v7",
	"kumo.fs":   "+open +read_dir +glob +uncached_glob +metadata_for_path +symlink_metadata_for_path",
	"sqlite":    "+open",
	"redis":     "+open",
	"kumo.http": "+build_client +build_url -connect_websocket",
	"kumo.dns": `+lookup_mx +lookup_txt +lookup_addr +lookup_ptr +rbl_lookup -ptr_host -reverse_ip -configure_resolver
		-define_resolver -configure_unbound_resolver -configure_test_resolver -configure_test_mta_sts -load_resolv_conf
		-set_mx_concurrency_limit -set_mx_timeout -set_mx_negative_cache_ttl -set_mta_sts_enabled`,
	"kumo.counter_series": "+define",
	"kumo.mpsc":           "-define",
}

// kumoMembers are the methods and fields of the objects that those functions give,
// by the class. The marks are those of kumoNames.
var kumoMembers = map[string]string{
	"kumo.Binary": `+hex +base32 +base32_nopad +base32hex +base32hex_nopad +base64 +base64_nopad +base64url
		+base64url_nopad +bytes`,
	"kumo.Regex": "+captures +is_match +find +find_all +replace +replace_all +replacen +split",
	"kumo.Time": `+year +month +day +hour +minute +second +unix_timestamp +unix_timestamp_millis +rfc2822 +rfc3339
		+elapsed +format`,
	"kumo.TimeDelta":   "+seconds +milliseconds +microseconds +nanoseconds +human",
	"kumo.Timer":       "+done",
	"kumo.UUID":        "+hyphenated +simple +braced +urn +bytes",
	"kumo.fs.File":     "+read +write +seek +flush +close",
	"sqlite.Database":  "+execute +close",
	"redis.Connection": "+query",
	"kumo.http.Client": "+get +post +put +close",
	"kumo.http.Request": `+header +headers +timeout +basic_auth +bearer_auth +body +form_url_encoded
		+form_multipart_data +aws_sign_v4 +send`,
	"kumo.http.Response": `+status_code +status_reason +status_is_informational +status_is_success
		+status_is_redirection +status_is_client_error +status_is_server_error +headers +content_length +text +bytes`,
	"kumo.CounterSeries": "+increment +delta +observe +sum +sum_over",
	"kumo.Queue":         "+send +try_send +send_timeout +recv +try_recv +recv_many +close +is_closed +is_empty +len",
}

// offered is what the tables say of each full name: "" for a function or member,
// else why it is refused.
func offered(modules []spec.Module) map[string]string {
	all := make(map[string]string)
	for _, m := range modules {
		for name, why := range m.Refused {
			all[m.Name+"."+name] = cmp.Or(why, "(no reason)")
		}
	}
	for _, m := range modules {
		for _, f := range m.Functions {
			all[m.Name+"."+f.Name] = ""
		}
		for _, c := range m.Classes {
			for _, f := range c.Methods {
				all[c.Name+"."+f.Name] = ""
			}
			for _, f := range c.Fields {
				all[c.Name+"."+f.Name] = ""
			}
		}
	}
	return all
}

// TestKumoNames: what a policy for KumoMTA may use is there, or is refused with a
// reason by the time that the policy is loaded.
func TestKumoNames(t *testing.T) {
	all := offered(Reference())
	for _, table := range []map[string]string{kumoNames, kumoMembers} {
		for _, module := range slices.Sorted(maps.Keys(table)) {
			for name := range strings.FieldsSeq(table[module]) {
				full, likely := module+"."+name[1:], name[0] == '+'
				why, there := all[full]
				switch {
				case !there:
					t.Errorf("%s is neither there nor refused", full)
				case why != "" && likely:
					t.Errorf("%s is refused (%s); want it there", full, why)
				case why != "":
					wantRefusedName(t, full, why)
				}
			}
		}
	}
}

// wantRefusedName has a policy use the name as it would a function.
func wantRefusedName(t *testing.T, full, why string) {
	t.Helper()
	source := fmt.Sprintf("local kumo = require 'kumo'\nlocal f = %s", full)
	_, err := LoadSource(t.Context(), "policy.lua", []byte(source), Options{})
	want := "policy.lua:2: " + full + " is not part of Troupe: " + why
	if got := errText(err); got != want {
		t.Errorf("%s: got %q; want %q", full, got, want)
	}
}

// TestVersionIsText: the one name in kumo that is no function.
func TestVersionIsText(t *testing.T) {
	p, err := LoadSource(t.Context(), "policy.lua", []byte(`assert(require('kumo').version == '1.2.3')`), Options{Version: "1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
}

// A policy that asks whether a function is there used to be refused.
func TestPolicyAsksForNames(t *testing.T) {
	p, err := LoadSource(t.Context(), "policy.lua", []byte(`local kumo = require 'kumo'
local x = kumo.define_egress_source and 1 or 2
assert(x == 2 and kumo.digest.sha3 == nil and kumo[1] == nil)`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	for source, want := range map[string]string{
		"kumo.define_egress_source {}":                      "policy.lua:2: kumo.define_egress_source is not part of this version of Troupe",
		"kumo.digest.sah256('x')":                           "policy.lua:2: kumo.digest.sah256 is not part of this version of Troupe, did you mean 'kumo.digest.sha256'?",
		"kumo.nothing.here()":                               "policy.lua:2: kumo.nothing is not part of this version of Troupe",
		"local ok, why = pcall(kumo.nothing) error(why, 0)": "policy.lua: attempt to call a nil value",
	} {
		_, err := LoadSource(t.Context(), "policy.lua", []byte("local kumo = require 'kumo'\n"+source), Options{})
		if got := errText(err); !strings.HasPrefix(got+"\n", want+"\n") {
			t.Errorf("%s: got %q; want %q", source, got, want)
		}
	}
}
