package mover

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"maps"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"reseed/pkg/fault"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// verify reads everything at both ends, and compares number and digest of the items of each
// partition, and the bytes of each object.
func (m *mover) verify(ctx context.Context) (r Result, err error) {
	m.report(Verifying)
	var here, there map[string]digest
	g, within := errgroup.WithContext(ctx)
	g.Go(func() (err error) { here, err = digests(within, m.From.Store, func(int) {}); return err })
	g.Go(func() (err error) { there, err = digests(within, m.To.Store, m.compared); return err })
	if err := g.Wait(); err != nil {
		return r, err
	}
	if err := compare(here, there); err != nil {
		return r, err
	}
	for _, d := range there {
		r.Items += d.items
	}
	r.Items++ // the directory
	r.Objects, r.LeftOut, err = m.compareObjects(ctx)
	return r, err
}

// digest is how many items a partition has, and the sum of their hashes. The sum does not depend on
// their order.
type digest struct {
	items int64
	sum   [4]uint64
}

// compared reports that so many more items and objects were read for the comparison.
func (m *mover) compared(n int) { m.tell(func(p *Progress) { p.Compared += int64(n) }) }

func digests(ctx context.Context, st *store.Store, read func(items int)) (map[string]digest, error) {
	all := map[string]digest{}
	var text []byte
	for after := (table.Key{}); ; {
		page, err := st.Scan(ctx, after, 0)
		if err != nil {
			return nil, err
		}
		for _, it := range page.Items {
			if store.Travels(it.Key) {
				d := all[it.PK]
				text = d.add(text[:0], it)
				all[it.PK] = d
			}
		}
		read(len(page.Items))
		if after = page.Next; after == (table.Key{}) {
			return all, nil
		}
	}
}

// add adds an item, and returns the memory that it used.
func (d *digest) add(text []byte, it table.Item) []byte {
	text = append(append(text, it.SK...), 0) // no key contains 0x00
	text = append(text, it.Attrs...)
	hash := sha256.Sum256(text)
	d.items++
	for i := range d.sum {
		d.sum[i] += binary.LittleEndian.Uint64(hash[8*i:])
	}
	return text
}

func compare(here, there map[string]digest) error {
	var wrong []string
	for pk, d := range here {
		if there[pk] != d {
			wrong = append(wrong, pk)
		}
	}
	for pk := range maps.Keys(there) {
		if _, ok := here[pk]; !ok {
			wrong = append(wrong, pk)
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	slices.Sort(wrong)
	pk := wrong[0]
	return fault.Newf(fault.Conflict, "not_the_same",
		"%d partitions are not the same at both ends, the first is %s with %d items here and %d there: something has written to one of them meanwhile; cancel the move (--cancel), empty the target, and begin again",
		len(wrong), pk, here[pk].items, there[pk].items)
}

// compareObjects compares all objects, and returns how many there are, and what no plain file is.
func (m *mover) compareObjects(ctx context.Context) (n int64, leftOut int, err error) {
	var left, same atomic.Int64
	g, within := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for o, err := range m.From.Objects.List(ctx, "") {
		if err != nil {
			return 0, 0, wait(g, err)
		}
		g.Go(func() error {
			here, err := hashOf(within, m.From.Objects, o.Key)
			if fault.CodeOf(err) == objects.CodeNotAFile {
				left.Add(1)
				return nil
			}
			if err != nil {
				return err
			}
			there, err := hashOf(within, m.To.Objects, o.Key)
			if err == nil && here != there || fault.Is(err, fault.NotFound) {
				return notSameFile()
			}
			same.Add(1)
			m.compared(1)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return 0, 0, err
	}
	for _, err := range m.To.Objects.List(ctx, "") {
		if err != nil {
			return 0, 0, err
		}
		n++
	}
	if n != same.Load() {
		err = notSameFile()
	}
	return n, int(left.Load()), err
}

func wait(g *errgroup.Group, err error) error {
	_ = g.Wait() // err came first
	return err
}

func notSameFile() error {
	return fault.New(fault.Conflict, "not_the_same",
		"the files are not the same at both ends: something has written files to one of them meanwhile; repeat the command, which copies them again; if that does not help, cancel the move (--cancel), empty the target, and begin again")
}

func hashOf(ctx context.Context, o *objects.Objects, key string) (sum [sha256.Size]byte, err error) {
	r, err := o.Open(ctx, key, "", 0, -1)
	if err != nil {
		return sum, err
	}
	h := sha256.New()
	_, err = io.Copy(h, r)
	if e := r.Close(); err == nil {
		err = e
	}
	return [sha256.Size]byte(h.Sum(nil)), err
}
