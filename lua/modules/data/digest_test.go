package data

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// TestDigests: the vectors for "abc" of FIPS 180-4 and FIPS 202 as NIST publishes
// them, and the check value of CRC-32.
func TestDigests(t *testing.T) {
	cases{
		{"kumo.digest.sha1('abc').hex", "a9993e364706816aba3e25717850c26c9cd0d89d"},
		{"kumo.digest.sha224('abc').hex", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"},
		{"kumo.digest.sha256('abc').hex", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"kumo.digest.sha384('abc').hex", "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"},
		{"kumo.digest.sha512('abc').hex", "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
		{"kumo.digest.sha512_256('abc').hex", "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"},
		{"kumo.digest.sha3_256('abc').hex", "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"},
		{"kumo.digest.sha3_384('abc').hex", "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376d25"},
		{"kumo.digest.sha3_512('abc').hex", "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0"},
		{"kumo.digest.crc32('123456789').hex", "cbf43926"},
		{"tostring(kumo.digest.sha1('a', 'b', 'c'))", "a9993e364706816aba3e25717850c26c9cd0d89d"},
		{"tostring(kumo.digest.sha1()) == tostring(kumo.digest.sha1(''))", true},
		{"kumo.digest.sha1(1, {2}, nil, true, 'x') == kumo.digest.sha1('1[2]nulltruex')", true},
		{"kumo.digest.sha1('a') == kumo.digest.sha1('b')", false},
	}.check(t)
	refusals{{"kumo.digest.sha1('a', print)", "kumo.digest.sha1: argument 2 (...): a function is not plain data"}}.check(t)
}

// TestBinary: the fields of the digest of "" by CRC-32, which is four zero bytes,
// and of the bytes of RFC 4648 section 9.
func TestBinary(t *testing.T) {
	cases{
		{"kumo.digest.crc32('').bytes", "\x00\x00\x00\x00"},
		{"kumo.digest.crc32('').base64", "AAAAAA=="},
		{"kumo.digest.crc32('').base64_nopad", "AAAAAA"},
		{"kumo.digest.crc32('').base32", "AAAAAAA="},
		{"kumo.digest.crc32('').base32_nopad", "AAAAAAA"},
		{"kumo.digest.crc32('').base32hex", "0000000="},
		{"kumo.digest.crc32('').base32hex_nopad", "0000000"},
		{"kumo.digest.crc32('123456789').base64url", "y_Q5Jg=="},
		{"kumo.digest.crc32('123456789').base64url_nopad", "y_Q5Jg"},
		{"kumo.encode.hex_encode(kumo.digest.crc32('123456789'))", "cbf43926"},
	}.check(t)
}

// TestHMAC: test case 2 of RFC 4231 (SHA-2) and of RFC 2202 (SHA-1).
func TestHMAC(t *testing.T) {
	all := cases{}
	for name, want := range map[string]string{
		"sha1":   "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
		"sha224": "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44",
		"sha256": "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
		"sha384": "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
		"sha512": "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
	} {
		all = append(all, cases{{"kumo.digest.hmac_" + name + "({key_data = 'Jefe'}, 'what do ya want for nothing?').hex", want}}...)
	}
	all.check(t)
	refusals{
		{"kumo.digest.hmac_sha1('no-file', 'x')", "kumo.digest.hmac_sha1: key: no such key file"},
		{"kumo.digest.hmac_sha1({key_data = 'secret'}, {})", "argument 2 (message): expected a string, got table"},
	}.check(t)
}

// TestEncode: the vectors of RFC 4648 section 10, and what is refused.
func TestEncode(t *testing.T) {
	cases{
		{"kumo.encode.base64_encode('fooba')", "Zm9vYmE="},
		{"kumo.encode.base64_nopad_encode('fooba')", "Zm9vYmE"},
		{"kumo.encode.base32_encode('fooba')", "MZXW6YTB"},
		{"kumo.encode.base32_encode('foob')", "MZXW6YQ="},
		{"kumo.encode.base32hex_encode('foob')", "CPNMUOG="},
		{"kumo.encode.base32hex_nopad_encode('foob')", "CPNMUOG"},
		{"kumo.encode.base64url_encode('\\255\\239')", "_-8="},
		{"kumo.encode.hex_encode('\\255a')", "ff61"},
		{"kumo.encode.base64_decode('Zm9vYmE=')", "fooba"},
		{"kumo.encode.base64_decode('Zm9vYmE')", "fooba"},
		{"kumo.encode.base64url_nopad_decode('_-8')", "\xff\xef"},
		{"kumo.encode.hex_decode('FF61')", "\xffa"},
		{"kumo.encode.base32_decode('')", ""},
	}.check(t)
	refusals{
		{"kumo.encode.base64_nopad_decode('Zm9vYmE=')", "kumo.encode.base64_nopad_decode: argument 1 (text): "},
		{"kumo.encode.base64_decode('Zm9v\\nYmE=')", "not in the form that the encoder writes"},
		{"kumo.encode.base64_decode('Zm9vYmF=')", "not in the form that the encoder writes"},
		{"kumo.encode.base64_decode('a*')", "illegal base64 data at input byte 1"},
		{"kumo.encode.base32_decode('mzxw6yq=')", "illegal base32 data"},
		{"kumo.encode.hex_decode('abc')", "odd length"},
		{"kumo.encode.hex_encode(('x'):rep(9 * 1024 * 1024))", "the result would be longer than 16 MiB"},
		{"kumo.encode.hex_encode({})", "argument 1 (data): expected a string, got table"},
	}.check(t)
}

// TestEncodeRoundTrips: every notation gives back all bytes it was given.
func TestEncodeRoundTrips(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	L := state(t, Options{})
	for range 200 {
		data := make([]byte, random.IntN(40))
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		L.SetGlobal("data", lua.LString(data))
		for _, n := range notations() {
			got, err := run(t, L, fmt.Sprintf("return kumo.encode.%s_decode(kumo.encode.%s_encode(data))", n.name, n.name))
			if err != nil || got != string(data) {
				t.Fatalf("%s of %q: got %q, error %v; want it back", n.name, data, got, err)
			}
		}
	}
}

func TestCharsets(t *testing.T) {
	cases{
		{"kumo.encode.charset_decode('iso-8859-1', 'caf\\233')", "café"},
		{"kumo.encode.charset_decode('Shift_JIS', '\\147\\250')", "日"},
		{"kumo.encode.charset_decode('utf-8', 'é')", "é"},
		{"kumo.encode.charset_encode('iso-8859-1', 'café')", "caf\xe9"},
		{"kumo.encode.charset_encode('koi8-r', 'Я')", "\xf1"},
		{"kumo.encode.charset_encode('iso-8859-1', 'a日b'):sub(1, 1)", "a"},
		{"kumo.encode.charset_encode('gb18030', kumo.encode.charset_decode('gb18030', '\\196\\227'))", "\xc4\xe3"},
	}.check(t)
	refusals{
		{"kumo.encode.charset_decode('nonsense', 'a')", "kumo.encode.charset_decode: argument 1 (charset): no such character set"},
		{"kumo.encode.charset_decode('iso-2022-kr', 'a')", "no such character set"},
		{"kumo.encode.charset_decode('utf-8', '\\255')", "argument 2 (data): not text in that character set"},
		{"kumo.encode.charset_decode('shift_jis', '\\147')", "not text in that character set"},
		{"kumo.encode.charset_encode('iso-8859-1', '日', false)", "argument 2 (text): the character set does not have all its characters"},
		{"kumo.encode.charset_encode('iso-8859-1', '\\255')", "not UTF-8"},
	}.check(t)
}

// TestAES: the vectors of NIST SP 800-38A F.1.1 (ECB-AES128) and F.2.6 (CBC-AES256),
// first block, which padding follows.
func TestAES(t *testing.T) {
	const block = "kumo.encode.hex_decode('6bc1bee22e409f96e93d7e117393172a')"
	key128 := "{key = {key_data = kumo.encode.hex_decode('2b7e151628aed2a6abf7158809cf4f3c')}}"
	key256 := "{key = {key_data = kumo.encode.hex_decode('603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4')}}"
	first := "000102030405060708090a0b0c0d0e0f" + "f58c4c04d6e5f1ba779eabfb5f7bfbd6"
	cases{
		{"kumo.crypto.aes_encrypt_block('Ecb', " + block + ", " + key128 + ").hex:sub(1, 32)", "3ad77bb40d7a3660a89ecaf32466ef97"},
		{"#kumo.crypto.aes_encrypt_block('Ecb', " + block + ", " + key128 + ").bytes", int64(32)},
		{"#kumo.crypto.aes_encrypt_block('Cbc', 'x', " + key256 + ").bytes", int64(32)},
		{"kumo.crypto.aes_encrypt_block('Cbc', 'x', " + key256 + ") == kumo.crypto.aes_encrypt_block('Cbc', 'x', " + key256 + ")", false},
	}.check(t)
	L := state(t, Options{})
	for _, mode := range []string{"Ecb", "Cbc"} {
		for _, key := range []string{key128, key256} {
			for length := range 40 {
				chunk := fmt.Sprintf("local e = kumo.crypto.aes_encrypt_block('%s', ('x'):rep(%d), %s); return kumo.crypto.aes_decrypt_block('%s', e, %s).bytes", mode, length, key, mode, key)
				if got, err := run(t, L, chunk); err != nil || got != strings.Repeat("x", length) {
					t.Fatalf("%s: got %q, error %v; want the text back", chunk, got, err)
				}
			}
		}
	}
	const cannot = "cannot be decrypted: not encrypted in this mode with this key, or damaged"
	refusals{
		// F.2.6 has no padding, so the last byte of its text is no length.
		{"kumo.crypto.aes_decrypt_block('Cbc', kumo.encode.hex_decode('" + first + "'), " + key256 + ")", cannot},
		// Padding that says two bytes, of which one is another.
		{"kumo.crypto.aes_decrypt_block('Ecb', kumo.crypto.aes_encrypt_block('Ecb', ('x'):rep(14) .. '\\3\\2', " + key128 + ").bytes:sub(1, 16), " + key128 + ")", cannot},
		{"kumo.crypto.aes_decrypt_block('Ecb', 'x', " + key128 + ")", cannot},
		{"kumo.crypto.aes_decrypt_block('Cbc', ('x'):rep(16), " + key128 + ")", cannot},
		{"kumo.crypto.aes_decrypt_block('Ecb', '', " + key128 + ")", cannot},
		{"kumo.crypto.aes_encrypt_block('Gcm', 'x', " + key128 + ")", "argument 1 (algorithm): expected 'Cbc' or 'Ecb'"},
		{"kumo.crypto.aes_encrypt_block('Ecb', 'x', {key = {key_data = 'secret'}})", "expected a key of 16 or 32 bytes, got one of 6"},
		{"kumo.crypto.aes_encrypt_block('Ecb', 'x', {})", "argument 3 (options): the field key is missing"},
		{"kumo.crypto.aes_encrypt_block('Ecb', 'x')", "argument 3 (options): expected a table, got nil"},
	}.check(t)
}

// TestAWSSignature: the cases get-vanilla, get-vanilla-query-order-key-case and
// post-x-www-form-urlencoded of Amazon's test suite for Signature Version 4.
func TestAWSSignature(t *testing.T) {
	request := func(more string) string {
		return `kumo.crypto.aws_sign_v4({access_key = {key_data = 'AKIDEXAMPLE'}, secret_key = {key_data = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'},
			region = 'us-east-1', service = 'service', uri = '/', timestamp = '2015-08-30T12:36:00Z', ` + more + "})"
	}
	vanilla := request("method = 'GET', headers = {Host = 'example.amazonaws.com'}")
	cases{
		{vanilla + ".signature", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{vanilla + ".timestamp", "20150830T123600Z"},
		{vanilla + ".authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{request("method = 'GET', headers = {host = 'example.amazonaws.com'}, query_params = {Param2 = 'value2', Param1 = 'value1'}") + ".signature",
			"b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
		{request("method = 'POST', headers = {host = 'example.amazonaws.com', ['Content-Type'] = 'application/x-www-form-urlencoded'}, payload = 'Param1=value1'") + ".signature",
			"ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
		{request("method = 'GET', headers = {host = 'a', h = ' a  \"b  c\"\\t d '}, query_params = {['a b'] = 'ä/'}") + ".canonical_request:match('^[^\\n]*\\n/\\na%%20b=%%C3%%A4%%2F\\nh:a \"b  c\" d\\nhost:a\\nx%-amz%-date:20150830T123600Z\\n\\nh;host;x%-amz%-date\\n') ~= nil", true},
		{strings.Replace(request("method = 'GET', headers = {host = 'a'}, session_token = 'tok'"), "'service'", "'s3'", 1) + ".authorization:match('SignedHeaders=([^,]*)')",
			"host;x-amz-content-sha256;x-amz-date;x-amz-security-token"},
	}.check(t)
	refusals{
		{request("method = 'GET'"), "kumo.crypto.aws_sign_v4: argument 1 (request): the field headers must have host"},
		{request("headers = {host = 'x'}"), "the field method: expected a string, got nil"},
		{"kumo.crypto.aws_sign_v4({})", "the field region: expected a string, got nil"},
		{request("method = 'GET', headers = {1}"), "the field headers: expected strings by name"},
		{strings.Replace(vanilla, "2015-08-30T12:36:00Z", "yesterday", 1), "the field timestamp: expected a time such as"},
		{strings.Replace(vanilla, "secret_key = ", "x = ", 1), "the field secret_key is missing"},
	}.check(t)
}
