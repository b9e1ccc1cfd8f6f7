package policy

import (
	lua "github.com/yuin/gopher-lua"
)

// keySource checks the form of a certificate or key source. It keeps nothing:
// TLS is not served, so the value is of no use, but a mistyped one is a mistake
// all the same. What a key source holds never gets into a message.
func keySource(d *decoder, key string, v lua.LValue) {
	const what = "a file name, or a table with key_data, with vault_mount and vault_path, or with event_name and event_args"
	switch v := v.(type) {
	case lua.LString:
		return
	case *lua.LTable:
		if isKeyData(v) || isVault(v) || isKeyEvent(v) {
			return
		}
		d.fail(key, "expected %s, got a table that is none of these", what)
	default:
		d.fail(key, "expected %s, got %s", what, v.Type())
	}
}

// isKeyData accepts { key_data = bytes }, the bytes a string or an array of numbers.
func isKeyData(t *lua.LTable) bool {
	switch data := t.RawGetString("key_data").(type) {
	case lua.LString:
		return true
	case *lua.LTable:
		whole := data.Len() > 0
		data.ForEach(func(_, v lua.LValue) {
			n, ok := v.(lua.LNumber)
			whole = whole && ok && n >= 0 && n <= 255 && n == lua.LNumber(byte(n))
		})
		return whole
	}
	return false
}

func isVault(t *lua.LTable) bool {
	return isText(t, "vault_mount") && isText(t, "vault_path") &&
		isTextOrNil(t, "vault_key") && isTextOrNil(t, "vault_address") && isTextOrNil(t, "vault_token")
}

func isKeyEvent(t *lua.LTable) bool {
	_, args := t.RawGetString("event_args").(*lua.LTable)
	return args && isText(t, "event_name")
}

func isText(t *lua.LTable, key string) bool {
	_, ok := t.RawGetString(key).(lua.LString)
	return ok
}

func isTextOrNil(t *lua.LTable, key string) bool {
	return t.RawGetString(key) == lua.LNil || isText(t, key)
}
