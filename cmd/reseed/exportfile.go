package main

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
)

const (
	// mostIdle is how often in a row a download may fail without having got a byte.
	mostIdle = 5
	// afterIdle is how long it waits then, times the number of such failures.
	afterIdle = 200 * time.Millisecond
)

// download fetches the ZIP of an export, and reads it back: what it returns is whole.
func (sh *shell) download(ctx context.Context, cl *client.Client, j *wire.Job, file *os.File) (*zip.Reader, error) {
	bar := sh.bar("fetching", j.Export.Size)
	err := fetchAll(ctx, cl, j, io.MultiWriter(file, bar))
	_ = bar.Finish()
	var z *zip.Reader
	if err == nil {
		z, err = zip.NewReader(file, j.Export.Size)
	}
	if err == nil {
		err = readBack(z)
	}
	if err == nil {
		err = file.Sync()
	}
	if err != nil {
		return nil, fmt.Errorf("the export could not be fetched whole; export again: %w", err)
	}
	return z, nil
}

// fetchAll fetches the file of an export. If the link to it expires, or the connection breaks, it asks
// for a new link and goes on behind the last byte.
func fetchAll(ctx context.Context, cl *client.Client, j *wire.Job, to io.Writer) error {
	idle := 0
	for have := int64(0); ; {
		n, err := fetchMore(ctx, cl, j, have, to)
		have += n
		switch {
		case have == j.Export.Size && (err == nil || n > 0):
			return nil
		case have > j.Export.Size:
			return fmt.Errorf("the server gave more than the %d bytes of the file", j.Export.Size)
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && final(err):
			return err
		case n > 0:
			idle = 0
		}
		if idle++; idle > mostIdle {
			return errors.Join(err, io.ErrUnexpectedEOF)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(idle) * afterIdle):
		}
	}
}

// fetchMore fetches what it can get of a file, from a byte on.
func fetchMore(ctx context.Context, cl *client.Client, j *wire.Job, from int64, to io.Writer) (int64, error) {
	in, err := cl.ExportFile(ctx, j.ID, from)
	if err != nil {
		return 0, err
	}
	defer func() { _ = in.Close() }()
	got := &counted{Reader: in}
	if _, err := io.Copy(to, got); err != nil {
		if got.err == nil || errors.Is(got.err, io.EOF) { // it could not be written
			return got.n, &localError{err}
		}
		return got.n, err
	}
	return got.n, nil
}

// counted counts what was read, and keeps the error.
type counted struct {
	io.Reader

	n   int64
	err error
}

func (c *counted) Read(p []byte) (n int, err error) {
	n, err = c.Reader.Read(p)
	c.n, c.err = c.n+int64(n), err
	return n, err
}

// localError is an error of this machine: a new link does not help.
type localError struct{ err error }

func (e *localError) Error() string { return e.err.Error() }
func (e *localError) Unwrap() error { return e.err }

// final tells whether a new link does not help: the server says that there is no file, or the disk is
// full. A link that has expired is answered with 403.
func final(err error) bool {
	if _, local := errors.AsType[*localError](err); local {
		return true
	}
	e, answered := errors.AsType[*client.Error](err)
	return answered && e.Status < http.StatusInternalServerError && e.Status != http.StatusForbidden && e.Status != http.StatusTooManyRequests
}

// readBack reads all files of a ZIP, which checks their checksums.
func readBack(z *zip.Reader) error {
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, in) //nolint:gosec // a person's own data, of any size
		if err = errors.Join(err, in.Close()); err != nil {
			return err
		}
	}
	return nil
}
