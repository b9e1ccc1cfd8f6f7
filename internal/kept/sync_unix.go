//go:build unix

package kept

import "os"

// syncDirectory makes a rename outlive a crash.
func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }() // nothing is written by it
	return d.Sync()
}
