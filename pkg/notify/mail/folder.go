package mail

import (
	"context"
	"net/mail"
	"os"
	"path/filepath"

	"reseed/pkg/notify"
)

// ToFolder returns the way into a folder, which is made when it is needed: one file, .eml, for each
// message. The same message again replaces its file.
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
		return nil
	}
}

// put writes a file whole: it is durable before it has its name.
func put(folder, name string, body []byte) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(folder, ".half-*")
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
