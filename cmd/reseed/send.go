package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
)

// upload imports files, and tells a bar what has been read of them.
func upload(ctx context.Context, cl *client.Client, source string, how wire.ImportOptions, names []string, progress io.Writer) (*wire.Job, error) {
	files, err := uploads(ctx, names, progress)
	if err != nil {
		return nil, err
	}
	return cl.Import(ctx, source, how, files)
}

// uploads are files to import, as soon as each pipe among them has something to read, or has ended. A server cuts an upload that
// says nothing for a while, so it hears of one only when the programs at the other ends have begun, say when a long query has its
// first row.
func uploads(ctx context.Context, names []string, progress io.Writer) ([]client.File, error) {
	type begun struct {
		files []client.File
		err   error
	}
	done := make(chan begun, 1)
	go func() {
		files, err := begin(names, progress)
		done <- begun{files, err}
	}()
	select {
	case b := <-done:
		return b.files, b.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// begin opens what is no regular file, such as a pipe, and waits for its first bytes.
func begin(names []string, progress io.Writer) ([]client.File, error) {
	files := make([]client.File, len(names))
	for i, name := range names {
		u := &uploadFile{name: name, progress: lenient{progress}}
		files[i] = client.File{Name: filepath.Base(name), Open: u.open}
		info, err := os.Stat(name)
		if err != nil || info.Mode().IsRegular() {
			continue // it is opened in its turn, where an error is told
		}
		if u.file, err = os.Open(name); err != nil { //nolint:gosec // the person names the file
			return nil, err
		}
		u.buf = bufio.NewReader(u.file)
		_, _ = u.buf.Peek(1) // what reads on gets its error
	}
	return files, nil
}

// uploadFile is a file to upload. What is no regular file is open already, with its first bytes in the buffer.
type uploadFile struct {
	name     string
	file     *os.File
	buf      *bufio.Reader
	progress io.Writer
}

func (u *uploadFile) open() (_ io.ReadCloser, err error) {
	if u.file == nil {
		if u.file, err = os.Open(u.name); err != nil {
			return nil, err
		}
		u.buf = bufio.NewReader(u.file)
	}
	return struct {
		io.Reader
		io.Closer
	}{io.TeeReader(u.buf, u.progress), u.file}, nil
}

// lenient writes without fail: a progress bar refuses what is more than it was told, as of a file that grows or a pipe.
type lenient struct{ io.Writer }

// Write writes p, or does not.
func (l lenient) Write(p []byte) (int, error) {
	_, _ = l.Writer.Write(p)
	return len(p), nil
}
