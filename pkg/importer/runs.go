package importer

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"reseed/pkg/blocks"
	"reseed/pkg/objects"
)

// runStore keeps the runs of one job until it ends. The runs of a small input stay in memory. The
// runs of a large input are objects, so that memory does not grow with it.
//
// What one task yields is one object with a section for each key range.
type runStore interface {
	// write stores sorted batches, one in each section, whole or not at all. It replaces an earlier
	// object: a task that is done again writes the same runs again.
	write(ctx context.Context, name string, sections []batch) error
	// read opens one section of every object whose name begins with prefix.
	read(ctx context.Context, prefix string, section int) (*merger, error)
}

// encodeSections encodes the object: the number of sections, their lengths, then the sections.
func encodeSections(sections []batch) ([]byte, error) {
	var body bytes.Buffer
	head := binary.AppendUvarint(nil, uint64(len(sections)))
	for i := range sections {
		before := body.Len()
		if err := sections[i].write(&body); err != nil {
			return nil, err
		}
		head = binary.AppendUvarint(head, uint64(body.Len()-before)) //nolint:gosec // a length
	}
	return append(head, body.Bytes()...), nil
}

// sectionAt finds a section from the object's first bytes.
func sectionAt(head []byte, section int) (offset, length int64, err error) {
	n, at := binary.Uvarint(head)
	if at <= 0 || uint64(section) >= n { //nolint:gosec // never negative
		return 0, 0, blocks.ErrDamaged()
	}
	for i := range int(n) { //nolint:gosec // a few
		size, w := binary.Uvarint(head[at:])
		if w <= 0 {
			return 0, 0, blocks.ErrDamaged()
		}
		at += w
		switch {
		case i < section:
			offset += int64(size) //nolint:gosec // a length
		case i == section:
			length = int64(size) //nolint:gosec // a length
		}
	}
	return offset + int64(at), length, nil
}

// memoryRuns keeps runs in memory.
type memoryRuns struct {
	mu   sync.Mutex
	runs map[string][]byte
}

func newMemoryRuns() *memoryRuns { return &memoryRuns{runs: map[string][]byte{}} }

func (m *memoryRuns) write(_ context.Context, name string, sections []batch) error {
	b, err := encodeSections(sections)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.runs[name] = b
	return err
}

func (m *memoryRuns) read(_ context.Context, prefix string, section int) (*merger, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var readers []io.ReadCloser
	for name, b := range m.runs {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		offset, length, err := sectionAt(b, section)
		if err != nil {
			return nil, err
		}
		readers = append(readers, io.NopCloser(bytes.NewReader(b[offset:offset+length])))
	}
	return newMerger(readers)
}

// objectRuns keeps runs as objects.
type objectRuns struct {
	objects *objects.Objects
	dir     string // ends with "/"
}

func (o objectRuns) write(ctx context.Context, name string, sections []batch) error {
	b, err := encodeSections(sections)
	if err != nil {
		return err
	}
	return o.objects.Put(ctx, o.dir+name, bytes.NewReader(b))
}

// openAtOnce is how many objects are opened at the same time, since S3 takes a while for each.
const openAtOnce = 16

func (o objectRuns) read(ctx context.Context, prefix string, section int) (*merger, error) {
	names, err := o.objects.Names(ctx, o.dir+prefix)
	if err != nil {
		return nil, err
	}
	return o.open(ctx, names, section)
}

func (o objectRuns) open(ctx context.Context, names []string, section int) (*merger, error) {
	return openRuns(names, func(name string) (io.ReadCloser, error) { return o.openSection(ctx, name, section) })
}

// openRuns merges several runs; open returns nil for an empty one.
func openRuns(names []string, open func(name string) (io.ReadCloser, error)) (*merger, error) {
	opened := make([]io.ReadCloser, len(names))
	var g errgroup.Group
	g.SetLimit(openAtOnce)
	for i, name := range names {
		g.Go(func() (err error) {
			opened[i], err = open(name)
			return err
		})
	}
	err := g.Wait()
	var readers []io.ReadCloser
	for _, r := range opened {
		switch {
		case r == nil:
		case err != nil:
			_ = r.Close()
		default:
			readers = append(readers, r)
		}
	}
	if err != nil {
		return nil, err
	}
	return newMerger(readers)
}

// headBytes is enough for the lengths of the sections of all key ranges.
const headBytes = 1 << 10

// openSection returns nil if the section is empty.
func (o objectRuns) openSection(ctx context.Context, name string, section int) (io.ReadCloser, error) {
	head, err := objectPart(ctx, o.objects, name, "", 0, headBytes)
	if err != nil {
		return nil, err
	}
	offset, length, err := sectionAt(head, section)
	if err != nil || length == 0 {
		return nil, err
	}
	return o.objects.Open(ctx, name, "", offset, length)
}

// objectPart reads a part of an object.
func objectPart(ctx context.Context, o *objects.Objects, name, version string, offset, length int64) ([]byte, error) {
	in, err := o.Open(ctx, name, version, offset, length)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()
	return io.ReadAll(in)
}

// runsDir is the prefix of the runs of a job, which are deleted when it ends.
func runsDir(jobID string) string { return jobDir(jobID) + "runs/" }

// writeRejects stores the rows that a task of an undo leaves alone as a run, and returns its name
// for the summary. Without such rows there is no run.
func (w *work) writeRejects(ctx context.Context, by string, rejects batch) (names []string, err error) {
	if len(rejects.refs) == 0 {
		return nil, nil
	}
	dir := runsDir(w.job.ID) + "rejects/"
	return []string{dir + by}, objectRuns{w.objects, dir}.write(ctx, by, []batch{rejects})
}

// Names of runs.
const (
	runMain = "main" // rows and findings
	runAsks = "asks" // look-ups
	runLost = "lost" // the records of rejected rows that other rows may name
)

func runName(stage int, what, by string) string { return runPrefix(stage, what) + by }

func runPrefix(stage int, what string) string { return fmt.Sprintf("%d-%s/", stage, what) }
