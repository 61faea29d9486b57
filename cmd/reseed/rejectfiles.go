package main

import (
	"archive/zip"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
	"reseed/pkg/importer"
)

// giveRejects prints the rejects of an import, or writes them to a file or into a folder.
func (sh *shell) giveRejects(ctx context.Context, cl *client.Client, id, out string) error {
	j, err := cl.Job(ctx, id)
	if err != nil {
		return err
	}
	r, err := cl.Rejects(ctx, id)
	if client.IsNotFound(err) {
		return errors.New("this job has no rejects file: no row was rejected, or data of its source was erased since")
	}
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	in := bufio.NewReader(r)
	const magic = "PK\x03\x04" // of a ZIP, which has a file for each input file
	head, _ := in.Peek(len(magic))
	several, packed := string(head) == magic, strings.EqualFold(filepath.Ext(out), ".zip")
	switch {
	case several && (out == "" || !packed && plainFile(out)):
		return usage("several files of this import have rejects, and each has a rejects file of its own: give --out FILE.zip or --out FOLDER")
	case out == "":
		return sh.copyOut(in)
	case !several && packed:
		return usage("only one file of this import has rejects: give --out FILE%s or --out FOLDER", filepath.Ext(rejectsName(j)))
	case several && !packed:
		return sh.unpackRejects(in, out)
	case isFolder(out):
		out = filepath.Join(out, rejectsName(j))
	}
	return sh.writeNew(out, in)
}

// plainFile reports whether there is a file at the path, and no folder: it cannot hold several files.
func plainFile(path string) bool {
	info, err := os.Stat(path)
	if err == nil {
		return !info.IsDir()
	}
	return slices.Contains([]string{".csv", ".ndjson", ".tsv", ".txt"}, strings.ToLower(filepath.Ext(path)))
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return strings.HasSuffix(path, "/") || err == nil && info.IsDir()
}

// rejectsName is the name of the rejects file of an import of which one input file has rejects, or
// of an undo.
func rejectsName(j *wire.Job) string {
	if files := rejecting(j); len(files) > 0 {
		return filepath.Base(importer.NameOfRejects(files[0].Name, isNDJSON(files[0])))
	}
	return "rejects.csv"
}

// unpackRejects writes the files of a ZIP into a folder.
func (sh *shell) unpackRejects(in io.Reader, folder string) error {
	whole, err := os.CreateTemp("", "reseed-rejects-*.zip")
	if err != nil {
		return err
	}
	defer func() { _, _ = whole.Close(), os.Remove(whole.Name()) }()
	size, err := io.Copy(whole, in)
	if err != nil {
		return fmt.Errorf("the rejects came incomplete: %w", err)
	}
	z, err := zip.NewReader(whole, size)
	if err != nil {
		return fmt.Errorf("the rejects came incomplete: %w", err)
	}
	for _, f := range z.File {
		if err := sh.unpackReject(f, folder); err != nil {
			return err
		}
	}
	return nil
}

func (sh *shell) unpackReject(f *zip.File, folder string) error {
	if !filepath.IsLocal(f.Name) {
		return fmt.Errorf("the server names a file %q, which is not in a folder", f.Name)
	}
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	return sh.writeNew(filepath.Join(folder, f.Name), in) //nolint:gosec // the name is local
}

// writeNew writes a file, and its folder if there is none. It never overwrites a file, which may
// hold corrections.
func (sh *shell) writeNew(path string, in io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the user names it
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("there is a file %s already, which is left as it is; give another --out", path)
	}
	if err != nil {
		return err
	}
	_, err = io.Copy(f, in)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	sh.printf("Written: %s\n", path)
	return nil
}
