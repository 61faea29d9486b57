package mail

import (
	"context"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"time"

	"reseed/pkg/notify"
)

// KeptFor is how long a message stays in the folder of [ToFolder].
const KeptFor = 30 * 24 * time.Hour

// ToFolder returns the way into a folder, which is made when it is needed: one file, .eml, for each
// message. The same message again replaces its file. Each message deletes those that were written
// more than [KeptFor] before it was made.
func ToFolder(folder string, p People) notify.Way {
	if p.From.Address == "" {
		p.From = mail.Address{Name: "Reseed", Address: "reseed@localhost"}
	}
	return func(_ context.Context, m *notify.Message) error {
		body, err := p.Compose(m)
		if err != nil {
			return err
		}
		if err := put(folder, m.ID+".eml", body); err != nil {
			return &notify.UnsentError{Why: "The message could not be written into the folder outbox of the data folder."}
		}
		prune(folder, m.Made.Add(-KeptFor))
		return nil
	}
}

// prune deletes messages that were written before a time, and what a process that was killed has left
// of them. What cannot be deleted stays until the next message.
func prune(folder string, before time.Time) {
	list, err := os.ReadDir(folder)
	if err != nil {
		return
	}
	for _, e := range list {
		ours := strings.HasSuffix(e.Name(), ".eml") || strings.HasPrefix(e.Name(), half)
		if info, err := e.Info(); ours && err == nil && info.Mode().IsRegular() && info.ModTime().Before(before) {
			_ = os.Remove(filepath.Join(folder, e.Name()))
		}
	}
}

// half begins the name of a file that is being written.
const half = ".half-"

// put writes a file whole: it is durable before it has its name.
func put(folder, name string, body []byte) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(folder, half+"*")
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(folder, name))
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
