package importer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"strings"

	"reseed/pkg/blocks"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// The ground of a plan is what its rows rest on besides the items that it changes: the customers
// and invoices that they belong to, as they were, and which rows held their external ids. None of
// it is in the change set, so the job notes it when it decides the rows, and the check compares it
// before the plan is applied. An object of the ground has the frames of package blocks, in key order: a
// sort key, and the digest of what was stored there, empty if there was nothing.

// parks reports whether a job may stop as a plan.
func parks(j *job.Job) bool {
	return j.Import.Plan || j.Import.Undo == "" && j.Import.Mode == job.Replace
}

func groundDir(jobID string) string { return jobDir(jobID) + "ground/" }

// ground notes what a plan rests on. The zero value notes nothing.
type ground struct {
	create func() (*objects.Writer, error) // nil if the job cannot become a plan
	name   string
	file   *objects.Writer
	out    *blocks.Writer
	n      int64
	last   string
}

// newGround begins an object with a unique name, which goes into the summary of the same worker. So
// the two belong together even if another worker does the same task.
func (w *work) newGround(ctx context.Context, by string) ground {
	if !parks(w.job) {
		return ground{}
	}
	g := ground{name: groundDir(w.job.ID) + by + "-" + w.ledger.NewHolder()}
	g.create = func() (*objects.Writer, error) { return w.objects.Create(ctx, g.name) }
	return g
}

// note adds what is stored under a key, nil if nothing is. Keys come in ascending order; a key may
// be repeated.
func (g *ground) note(sk string, stored table.Attrs) (err error) {
	if g.create == nil || sk == g.last {
		return nil
	}
	if g.file == nil {
		if g.file, err = g.create(); err != nil {
			return err
		}
		g.out = blocks.NewWriter(g.file)
	}
	g.last = sk
	g.n++
	return fault.Wrap(g.out.Frame([]byte(sk), digestOf(stored)), fault.Unavailable, "ground", "store what a plan rests on")
}

// digestOf is a short hash of an item's attributes; empty if there is no item.
func digestOf(a table.Attrs) []byte {
	if a == nil {
		return nil
	}
	sum := sha256.Sum256(a)
	return sum[:8]
}

// end completes the object and adds its name to the summary.
func (g *ground) end(sum *summary) error {
	if g.file == nil {
		return nil
	}
	err := g.out.Flush()
	if err == nil {
		err = g.file.Close()
	}
	sum.Ground, sum.Grounds = append(sum.Ground, g.name), sum.Grounds+g.n
	return fault.Wrap(err, fault.Unavailable, "ground", "store what a plan rests on")
}

// abort drops an object that is not complete.
func (g *ground) abort() {
	if g.file != nil {
		g.file.Abort()
	}
}

// dropGround deletes the ground of a job that cannot be a plan any more.
func (im *Importer) dropGround(ctx context.Context, j *job.Job) error {
	_, err := im.c.Objects.DeleteAll(ctx, groundDir(j.ID))
	return err
}

// checkGround checks that what an object of the ground says is still what is stored.
func (w *work) checkGround(ctx context.Context, name string) error {
	r, err := w.objects.Open(ctx, name, "", 0, -1)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	in := blocks.NewReader(r)
	var sks []string
	var digests [][]byte
	for {
		sk, digest, err := in.Next()
		last := errors.Is(err, io.EOF)
		if err != nil && !last {
			return err
		}
		if len(sks) == blockSize || last {
			if err := w.checkGroundBlock(ctx, sks, digests); err != nil || last {
				return err
			}
			sks, digests = sks[:0], digests[:0]
		}
		sks, digests = append(sks, sk), append(digests, digest)
	}
}

func (w *work) checkGroundBlock(ctx context.Context, sks []string, digests [][]byte) error {
	if err := w.interrupted(ctx); err != nil {
		return err
	}
	stored, err := w.storedAt(ctx, sks)
	if err != nil {
		return err
	}
	for i, sk := range sks {
		if bytes.Equal(digestOf(w.present(sk, stored[i])), digests[i]) {
			continue
		}
		if k := store.RecordAt(sk); k != nil {
			ds := string(k.Dataset)
			return errOutdated(strings.ToUpper(ds[:1]) + ds[1:] + " that its rows belong to have changed, or are gone,")
		}
		return errOutdated("External IDs of its rows have been given, moved or freed")
	}
	return nil
}
