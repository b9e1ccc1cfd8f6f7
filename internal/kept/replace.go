package kept

import (
	"os"
	"path/filepath"
)

// temporary ends the name of a file that is being written.
const temporary = ".new-*"

// Replace writes a file that its owner alone may read, in the place of an earlier
// one: at once, or not at all. Once it has returned, the file outlives a crash of
// the machine.
func Replace(path string, content []byte) (err error) {
	dir, name := filepath.Split(path)
	f, err := os.CreateTemp(dir, "."+name+temporary) // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if _, err := f.Write(content); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDirectory(dir)
}
