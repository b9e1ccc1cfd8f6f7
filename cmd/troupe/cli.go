package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/troupe-proxy/troupe/internal/adminclient"
)

// exitUnreachable is the exit code of a command that had no answer from a daemon.
const exitUnreachable = 5

// Where a daemon is that nobody has named.
const (
	usualSocket   = "/run/troupe/admin.sock"
	usualEndpoint = "http://127.0.0.1:8000"
)

// What the environment may say to the commands for a running daemon.
const (
	endpointName = "TROUPE_ENDPOINT"
	tokenName    = "TROUPE_TOKEN"
	loginName    = "TROUPE_LOGIN"
)

// longestToken is more than a file with a token may have, in bytes.
const longestToken = 64 << 10

const groupAdmin = "admin"

var (
	errTwoCredentials = errors.New("$" + tokenName + " and $" + loginName + " are both set: one of them is enough")
	errLongToken      = fmt.Errorf("the file is longer than %d bytes", longestToken)
)

// admin is what the commands for a running daemon have in common.
type admin struct {
	endpoint  string
	tokenFile string
	ca        string
	json      bool
}

// adminCommands are those for a running daemon.
func adminCommands() []*cobra.Command {
	return []*cobra.Command{
		newStatusCommand(), newTreeCommand(), newSessionsCommand(), newSourcesCommand("sources"), newSourceCommand(), newDestinationsCommand(), newProbeCommand(), newWhoCommand(), newReloadCommand(),
		newRestartCommand(), newDrainCommand(), newUpgradeCommand(), newBansCommand(), newUnbanCommand(), newLogFilterCommand(), newLogCommand(),
	}
}

const adminHelp = `

The daemon is the one at --endpoint, $` + endpointName + `, ` + usualSocket + ` if
that is there, or ` + usualEndpoint + `. Who needs credentials gives a token by
--token-file or $` + tokenName + `, or user:password by $` + loginName + `.
Exit code 0: done. 1: the daemon says no. 2: the command line makes no sense.
5: there is no answer from the daemon.`

// command completes a command for a running daemon: do is called with a client of
// it.
func (a *admin) command(c *cobra.Command, args cobra.PositionalArgs, do func(*cobra.Command, *adminclient.Client, []string) error) *cobra.Command {
	c.GroupID = groupAdmin
	c.Long += adminHelp
	c.Args = func(c *cobra.Command, given []string) error { return usage(args(c, given)) }
	c.RunE = func(c *cobra.Command, given []string) error {
		client, err := a.client()
		if err != nil {
			return usage(err)
		}
		defer client.Close()
		return do(c, client, given)
	}
	p := c.Flags()
	p.StringVar(&a.endpoint, "endpoint", "", "where the daemon is: `http://host:port`, https://host:port or unix:/path ($"+endpointName+")")
	p.StringVar(&a.tokenFile, "token-file", "", "`file` with a token for the daemon")
	p.StringVar(&a.ca, "ca", "", "`file` with the authorities, as PEM, that vouch for the certificate of the daemon")
	p.BoolVar(&a.json, "json", false, "print JSON, for scripts")
	return c
}

func (a *admin) client() (*adminclient.Client, error) {
	o := adminclient.Options{Endpoint: a.where()}
	var err error
	if o.Credentials, err = a.credentials(); err != nil {
		return nil, err
	}
	if a.ca != "" {
		if o.Authorities, err = os.ReadFile(a.ca); err != nil {
			return nil, fmt.Errorf("--ca: %w", err)
		}
	}
	client, err := adminclient.New(o)
	if errors.Is(err, adminclient.ErrAuthorities) {
		return nil, fmt.Errorf("--ca: %s: %w", a.ca, err)
	}
	return client, err
}

// where the daemon is.
func (a *admin) where() string {
	if a.endpoint != "" {
		return a.endpoint
	}
	if named := os.Getenv(endpointName); named != "" {
		return named
	}
	if info, err := os.Stat(usualSocket); err == nil && info.Mode().Type() == fs.ModeSocket {
		return "unix:" + usualSocket
	}
	return usualEndpoint
}

// credentials are those of the file before those of the environment.
func (a *admin) credentials() (none adminclient.Credentials, err error) {
	token, login := os.Getenv(tokenName), os.Getenv(loginName)
	switch {
	case a.tokenFile != "":
		text, err := readToken(a.tokenFile)
		if err != nil {
			return none, fmt.Errorf("--token-file: %w", err)
		}
		c, err := adminclient.Token(text)
		if err != nil {
			return none, fmt.Errorf("--token-file: %s: %w", filepath.Clean(a.tokenFile), err)
		}
		return c, nil
	case token != "" && login != "":
		return none, errTwoCredentials
	case token != "":
		c, err := adminclient.Token(token)
		if err != nil {
			return none, fmt.Errorf("$%s: %w", tokenName, err)
		}
		return c, nil
	case login != "":
		c, err := adminclient.Login(login)
		if err != nil {
			return none, fmt.Errorf("$%s: %w", loginName, err)
		}
		return c, nil
	}
	return none, nil
}

func readToken(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // it was read alone
	text, err := io.ReadAll(io.LimitReader(f, longestToken+1))
	if err == nil && len(text) > longestToken {
		err = fmt.Errorf("%s: %w", path, errLongToken)
	}
	return string(text), err
}
