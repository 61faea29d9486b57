package importer

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/s2"

	"reseed/pkg/fault"
	"reseed/pkg/objects"
)

// runStore keeps the runs of one job until it ends. A small input's runs never
// leave memory; a large one's are objects, so memory does not grow with it.
type runStore interface {
	// write stores a run under a name, whole or not at all, in place of what is there: a
	// task that is done again writes the same run again.
	write(ctx context.Context, name string, entries []entry) error
	// read opens every run whose name begins with prefix.
	read(ctx context.Context, prefix string) (*merger, error)
}

// memoryRuns keeps runs in memory.
type memoryRuns struct {
	mu   sync.Mutex
	runs map[string][]byte
}

func (m *memoryRuns) write(_ context.Context, name string, entries []entry) error {
	var b []byte
	for i := range entries {
		b = appendEntry(b, &entries[i])
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.runs[name] = b
	return nil
}

func (m *memoryRuns) read(_ context.Context, prefix string) (*merger, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var readers []io.ReadCloser
	for name, b := range m.runs {
		if strings.HasPrefix(name, prefix) {
			readers = append(readers, io.NopCloser(bytes.NewReader(b)))
		}
	}
	return newMerger(readers)
}

// objectRuns keeps runs as compressed objects.
type objectRuns struct {
	objects *objects.Objects
	dir     string // ends with "/"
}

func (o objectRuns) write(ctx context.Context, name string, entries []entry) error {
	var out bytes.Buffer
	z := s2.NewWriter(&out, s2.WriterConcurrency(1))
	var b []byte
	for i := range entries {
		b = appendEntry(b[:0], &entries[i])
		if _, err := z.Write(b); err != nil {
			return fault.Wrap(err, fault.Internal, "compress", "compress a run")
		}
	}
	if err := z.Close(); err != nil {
		return fault.Wrap(err, fault.Internal, "compress", "compress a run")
	}
	return o.objects.Put(ctx, o.dir+name, &out)
}

func (o objectRuns) read(ctx context.Context, prefix string) (*merger, error) {
	names, err := o.objects.Names(ctx, o.dir+prefix)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	readers := make([]io.ReadCloser, 0, len(names))
	for _, name := range names {
		r, err := o.objects.Open(ctx, name, "", 0, -1)
		if err != nil {
			for _, open := range readers {
				_ = open.Close()
			}
			return nil, err
		}
		z := s2.NewReader(r, s2.ReaderMaxBlockSize(1<<20), s2.ReaderAllocBlock(64<<10))
		readers = append(readers, struct {
			io.Reader
			io.Closer
		}{z, r})
	}
	return newMerger(readers)
}

// Names of runs. Zero-padded, so that they list in order.

func runName(stage int, what string, keyRange int, by string) string {
	return fmt.Sprintf("%s%s", runPrefix(stage, what, keyRange), by)
}

func runPrefix(stage int, what string, keyRange int) string {
	return fmt.Sprintf("%d-%s/%02x/", stage, what, keyRange)
}

func rejectRun(stage int, by string) string { return fmt.Sprintf("rejects/%d-%s", stage, by) }

const rejectPrefix = "rejects/"
