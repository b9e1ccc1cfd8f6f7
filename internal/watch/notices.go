package watch

import (
	"errors"
	"path/filepath"

	"github.com/fsnotify/fsnotify"
)

// mostDirectories bounds what the system is asked to tell of: each takes one of
// the user's watches, of which others need some too.
const mostDirectories = 256

// errTooMany says that some directories are not followed.
var errTooMany = errors.New("the files are in too many directories for each to be followed")

// notices are what the system tells of the directories of the files. Directories
// and not files are followed, because who replaces a file leaves whoever follows
// it with the old one. The zero value follows none. It belongs to one goroutine.
type notices struct {
	watcher *fsnotify.Watcher
	refused bool // by the system: it is not asked again
	changes chan struct{}
	done    chan struct{} // forward has ended
}

// events has a value after each time that something has happened.
func (n *notices) events() <-chan struct{} { return n.changes }

// follow follows the directories of these files and no others. Where that cannot
// be, the files have to be looked at; the first such error is told.
func (n *notices) follow(files []string) error {
	if n.refused {
		return nil
	}
	if n.watcher == nil {
		w, err := fsnotify.NewWatcher()
		if err != nil {
			n.refused = true
			return err
		}
		n.watcher, n.changes, n.done = w, make(chan struct{}, 1), make(chan struct{})
		go forward(w, n.changes, n.done)
	}
	wanted := directories(files)
	for _, dir := range n.watcher.WatchList() {
		if !wanted[dir] {
			_ = n.watcher.Remove(dir) // it may have gone meanwhile
		}
	}
	if len(wanted) > mostDirectories {
		return errTooMany
	}
	for dir := range wanted {
		if err := n.watcher.Add(dir); err != nil {
			return err
		}
	}
	return nil
}

func directories(files []string) map[string]bool {
	all := make(map[string]bool)
	for _, file := range files {
		if len(all) > mostDirectories {
			break
		}
		all[filepath.Dir(file)] = true
		// Where a link leads to, something may happen too.
		if target, err := filepath.EvalSymlinks(file); err == nil {
			all[filepath.Dir(target)] = true
		}
	}
	return all
}

// forward makes one value of however many events there are, until the watcher is
// closed. A change of rights or times alone is none.
func forward(w *fsnotify.Watcher, changes chan<- struct{}, done chan<- struct{}) {
	defer close(done)
	for {
		select {
		case e, open := <-w.Events:
			if !open {
				return
			}
			if e.Op == fsnotify.Chmod {
				continue
			}
		case _, open := <-w.Errors: // events were lost: there were some
			if !open {
				return
			}
		}
		select {
		case changes <- struct{}{}:
		default:
		}
	}
}

// close follows nothing any more.
func (n *notices) close() {
	if n.watcher != nil {
		_ = n.watcher.Close() // nothing is done with it any more
		<-n.done
	}
	*n = notices{refused: n.refused}
}
