package main

import (
	"bufio"
	"context"
	"io"
	"os"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
	"reseed/pkg/importer"
)

// upload imports files, and writes to progress what it has read of them.
func upload(ctx context.Context, cl *client.Client, source string, how wire.ImportOptions, names []string, progress io.Writer) (*wire.Job, error) {
	files, err := uploads(ctx, names, progress)
	if err != nil {
		return nil, err
	}
	return cl.Import(ctx, source, how, files)
}

// uploads returns the files to import once every pipe among them has its first byte or has ended.
// The server cuts an upload that is silent for a while. So a command asks it only after the
// programs that write into the pipes have begun; a long query, say, has its first row.
func uploads(ctx context.Context, names []string, progress io.Writer) ([]client.File, error) {
	type opened struct {
		files []client.File
		err   error
	}
	done := make(chan opened, 1)
	go func() {
		files, err := openPipes(names, progress)
		done <- opened{files, err}
	}()
	select {
	case o := <-done:
		return o.files, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// openPipes opens the files that are not regular, such as pipes, and waits for the first byte of
// each.
func openPipes(names []string, progress io.Writer) ([]client.File, error) {
	files, shown := make([]client.File, len(names)), importer.TellApart(names)
	for i, name := range names {
		u := &uploadFile{name: name, progress: lenient{progress}}
		files[i] = client.File{Name: shown[i], Open: u.open}
		info, err := os.Stat(name)
		if err != nil || info.Mode().IsRegular() {
			continue // its turn to be opened, and to fail, comes later
		}
		if u.file, err = os.Open(name); err != nil { //nolint:gosec // the person names the file
			return nil, err
		}
		u.buf = bufio.NewReader(u.file)
		_, _ = u.buf.Peek(1) // the next read returns the error, if there is one
	}
	return files, nil
}

// uploadFile is a file to upload. One that is not regular is open already, with its first bytes in
// the buffer.
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

// lenient ignores the errors of its writer: a progress bar refuses more bytes than it was told to
// expect, and a pipe or a file that grows has more.
type lenient struct{ io.Writer }

// Write always succeeds.
func (l lenient) Write(p []byte) (int, error) {
	_, _ = l.Writer.Write(p)
	return len(p), nil
}
