package data

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"errors"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

func cryptoModule() spec.Module {
	parameters := params(
		param("algorithm", "string", "'Cbc' or 'Ecb'"),
		param("data", "string", "the bytes"),
		param("options", "table", "a table whose field key says where the key is, of 16 or 32 bytes: a file name, or a table as for every key"),
	)
	return module("kumo.crypto", "AES, and signatures for Amazon's services.", []function{
		{
			name:    "aes_encrypt_block",
			doc:     "Encrypts with AES-128 or AES-256, by the length of the key. PKCS #7 padding is added. With Cbc a random initialisation vector stands before the result. Neither mode notices when somebody changes the bytes, and Ecb shows which blocks are equal: sign the result.",
			params:  parameters,
			results: returns("kumo.Binary", "the encrypted bytes"),
			do:      aesEncrypt,
		},
		{
			name:    "aes_decrypt_block",
			doc:     "Decrypts what aes_encrypt_block has encrypted.",
			params:  parameters,
			results: returns("kumo.Binary", "the bytes as they were"),
			do:      aesDecrypt,
		},
		signFunction(),
	})
}

// aesMode is how blocks are chained.
type aesMode string

const (
	ecb aesMode = "Ecb"
	cbc aesMode = "Cbc"
)

func (c *call) aes() (aesMode, cipher.Block) {
	mode := aesMode(c.text(1))
	if mode != ecb && mode != cbc {
		c.bad(1, "expected 'Cbc' or 'Ecb'")
	}
	source := c.table(3).RawGetString("key")
	if source == lua.LNil {
		c.bad(3, "the field key is missing")
	}
	key := c.key(source)
	if len(key) != 16 && len(key) != 32 {
		c.bad(3, "expected a key of 16 or 32 bytes, got one of %d", len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		c.fail("%s", err)
	}
	return mode, block
}

func aesEncrypt(c *call) int {
	data := c.text(2)
	mode, block := c.aes()
	c.room(len(data) + 2*aes.BlockSize)
	padding := aes.BlockSize - len(data)%aes.BlockSize
	padded := append([]byte(data), bytes.Repeat([]byte{byte(padding)}, padding)...)
	if mode == ecb {
		for at := 0; at < len(padded); at += aes.BlockSize {
			block.Encrypt(padded[at:], padded[at:])
		}
		return c.push(newBinary(c.L, padded))
	}
	vector := make([]byte, aes.BlockSize)
	rand.Read(vector) // it never fails
	cipher.NewCBCEncrypter(block, vector).CryptBlocks(padded, padded)
	return c.push(newBinary(c.L, append(vector, padded...)))
}

// errDecrypt is one text for everything that can be wrong with the bytes: to tell
// bad padding apart would let an attacker decrypt by asking.
var errDecrypt = errors.New("cannot be decrypted: not encrypted in this mode with this key, or damaged")

func aesDecrypt(c *call) int {
	data := []byte(c.text(2))
	mode, block := c.aes()
	if len(data)%aes.BlockSize != 0 || len(data) == 0 || mode == cbc && len(data) == aes.BlockSize {
		c.bad(2, "%s", errDecrypt)
	}
	if mode == ecb {
		for at := 0; at < len(data); at += aes.BlockSize {
			block.Decrypt(data[at:], data[at:])
		}
	} else {
		vector := data[:aes.BlockSize]
		data = data[aes.BlockSize:]
		cipher.NewCBCDecrypter(block, vector).CryptBlocks(data, data)
	}
	plain, ok := unpad(data)
	if !ok {
		c.bad(2, "%s", errDecrypt)
	}
	return c.push(newBinary(c.L, plain))
}

// unpad removes PKCS #7 padding (RFC 5652 section 6.3).
func unpad(data []byte) ([]byte, bool) {
	padding := int(data[len(data)-1])
	if padding == 0 || padding > aes.BlockSize {
		return nil, false
	}
	body, tail := data[:len(data)-padding], data[len(data)-padding:]
	same := subtle.ConstantTimeCompare(tail, bytes.Repeat([]byte{byte(padding)}, padding))
	return body, same == 1
}
