package tlsconf

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
)

const (
	chainName       = "certificates"
	keyName         = "private key"
	authoritiesName = "client authorities"
)

// readPair reads a chain and its key and checks that they belong together.
func readPair(certificate, privateKey KeySource) (tls.Certificate, error) {
	chain, err := readChain(certificate)
	if err != nil {
		return tls.Certificate{}, certificate.failure(chainName, err)
	}
	key, err := readKey(privateKey)
	if err != nil {
		return tls.Certificate{}, privateKey.failure(keyName, err)
	}
	public, ok := chain[0].PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(key.Public()) {
		return tls.Certificate{}, fmt.Errorf("%w: %s from %s, %s from %s",
			ErrMismatch, chainName, certificate, keyName, privateKey)
	}
	pair := tls.Certificate{PrivateKey: key, Leaf: chain[0]}
	for _, c := range chain {
		pair.Certificate = append(pair.Certificate, c.Raw)
	}
	return pair, nil
}

// readChain reads the certificates of a source, at least one. Blocks of other
// kinds are passed over: chain and key are often kept in one file.
func readChain(source KeySource) ([]*x509.Certificate, error) {
	text, err := source.read()
	if err != nil {
		return nil, err
	}
	var chain []*x509.Certificate
	for {
		var block *pem.Block
		block, text = pem.Decode(text)
		if block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%w: certificate %d is malformed", ErrPEM, len(chain)+1)
		}
		chain = append(chain, c)
	}
	if len(chain) == 0 {
		return nil, fmt.Errorf("%w: there is no certificate in it", ErrPEM)
	}
	return chain, nil
}

// readKey reads the first private key of a source. What the parsers say is left
// out: it may quote what they read.
func readKey(source KeySource) (crypto.Signer, error) {
	text, err := source.read()
	if err != nil {
		return nil, err
	}
	for {
		var block *pem.Block
		block, text = pem.Decode(text)
		switch {
		case block == nil:
			return nil, fmt.Errorf("%w: there is no private key in it", ErrPEM)
		case !isPrivateKey(block.Type):
			continue
		case block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "":
			return nil, ErrEncrypted
		}
		if key := parseKey(block.Bytes); key != nil {
			return key, nil
		}
		return nil, fmt.Errorf("%w: the private key is neither PKCS #8 nor PKCS #1 nor SEC 1", ErrPEM)
	}
}

// parseKey returns nil when der is no key that can sign.
func parseKey(der []byte) crypto.Signer {
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		signer, _ := key.(crypto.Signer) // nil: it can only agree on keys
		return signer
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key
	}
	return nil
}

// readAuthorities reads a bundle of certificates that may sign those of clients.
func readAuthorities(source KeySource) (*x509.CertPool, error) {
	all, err := readChain(source)
	if err != nil {
		return nil, source.failure(authoritiesName, err)
	}
	pool := x509.NewCertPool()
	for _, c := range all {
		pool.AddCert(c)
	}
	return pool, nil
}
