//go:build !unix

package accesslog

import "io/fs"

const careful = 0

func linked(err error) error { return err }

// Who may do what with a file is not in its mode here.
func foreign(fs.FileInfo) bool { return false }

func public(fs.FileMode) bool { return false }
