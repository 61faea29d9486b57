package objects

import (
	"encoding/json"
	"os"
)

// origin describes a file that was brought from a store whose versions a file cannot have. It lies
// beside the file, see [attributes].
type origin struct {
	Version string `json:"version"` // in that store
	Of      string `json:"of"`      // the version of the file that it describes: it says nothing of one that took its place
}

// broughtAs returns the version that a file had in the store that it was brought from, given the
// version of the file; "" if it was not brought, or came from a folder, whose versions are the same.
func broughtAs(path, own string) string {
	text, err := os.ReadFile(path + attributes) //nolint:gosec // below the root: keys are checked
	var o origin
	if err != nil || json.Unmarshal(text, &o) != nil || o.Of != own {
		return ""
	}
	return o.Version
}

// broughtWriter writes a file that was in another store.
type broughtWriter struct {
	*fileWriter
	was Info
}

// Commit implements [Pending]. It describes the file before the file takes its place.
func (w *broughtWriter) Commit() error {
	if err := w.describe(); err != nil {
		w.Abort()
		return unavailable(err, "describe an object")
	}
	return w.fileWriter.Commit()
}

func (w *broughtWriter) describe() error {
	if err := os.Chtimes(w.file.Name(), w.was.Modified, w.was.Modified); err != nil {
		return err
	}
	st, err := w.file.Stat()
	if err != nil {
		return err
	}
	own := timedVersion(st.ModTime(), st.Size())
	if own == w.was.Version {
		return nil
	}
	text, err := json.Marshal(origin{Version: w.was.Version, Of: own})
	if err != nil {
		return err
	}
	return writeDurably(w.path+attributes, text)
}

// writeDurably writes a small file. One that is torn describes nothing.
func writeDurably(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fileMode) //nolint:gosec // below the root: keys are checked
	if err != nil {
		return err
	}
	if _, err = f.Write(text); err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}
