package person

import (
	"bytes"
	"context"
	"slices"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
)

// The sections besides those of records. Records are in sections named like their datasets.
const (
	SectionEdits  = "edits_left"    // edits whose records are gone
	SectionFiles  = "files"         // files that may name the customer
	SectionErases = "erasures"      // erases that concern it
	SectionListed = "do_not_reload" // whether it is on the do-not-reload list
)

// Sections lists the names of all sections, in the order of the files.
func Sections() []string {
	names := []string{string(store.KindNamed(store.KindCustomer).Dataset)}
	for _, k := range store.ChildrenOf(store.KindCustomer) {
		names = append(names, string(k.Dataset))
	}
	return append(names, SectionEdits, SectionFiles, SectionErases, SectionListed)
}

// Datasets lists the names under which lines are counted: the sections, and the datasets of parts.
func Datasets() []string {
	names := Sections()
	for _, k := range store.Kinds() {
		if k.Part {
			names = append(names, string(k.Dataset))
		}
	}
	return names
}

// Emit takes a line of a section.
type Emit func(section string, line []byte) error

// Config is what a Reader reads.
type Config struct {
	Store     *store.Store
	Ledger    *job.Ledger
	Objects   *objects.Objects
	Directory *store.Directory
	Forgotten func(ctx context.Context, d *store.Directory, source, customer string) (bool, error)
	Job       *job.Job // the export; its spec names the customers and their sources
	Page      int      // how many records or jobs are read at a time
}

// Reader reads all that is known of a customer.
type Reader struct {
	Config
	*reading
	members []member
	steps   []func(ctx context.Context, m member, after string, emit Emit) (next string, err error)
}

// member is one of the source customers.
type member struct {
	src store.Source
	sp  store.Space
	h   store.H
	id  string
}

// Place is where a reader goes on. The zero Place is the beginning.
type Place struct {
	Step   int
	Member int
	After  string // the key, or the job, behind which it goes on
}

// NewReader makes a reader for an export that has begun.
func NewReader(c Config) (*Reader, error) {
	r := &Reader{Config: c, reading: newReading(c.Store, c.Directory)}
	sources := c.Job.Export.Read()
	for _, rec := range c.Job.Export.Customers {
		h, ok := store.ParseH(rec.H)
		at := slices.IndexFunc(sources, func(s store.Source) bool { return s.Tag == rec.Tag })
		if !ok || at < 0 {
			return nil, fault.New(fault.Internal, "person", "the export of a customer does not say where its records are")
		}
		r.members = append(r.members, member{sources[at], sources[at].Space(), h, rec.ID})
	}
	r.steps = append(r.steps, r.customer)
	for _, k := range store.ChildrenOf(store.KindCustomer) {
		r.steps = append(r.steps, func(ctx context.Context, m member, after string, emit Emit) (string, error) {
			return r.children(ctx, k, m, after, emit)
		})
	}
	r.steps = append(r.steps, r.orphans, r.history)
	return r, nil
}

// Steps is how many steps a reader takes: a Place with this Step is the end.
func (r *Reader) Steps() int { return len(r.steps) }

// CountedAs returns the name under which a line of a section is counted, one of [Datasets].
func CountedAs(section string, line []byte) string {
	if part, _, _ := bytes.Cut(line, []byte("\t")); len(part) > 0 {
		return string(part)
	}
	return section
}

// Read reads the page at a place, and returns the place of the next one.
func (r *Reader) Read(ctx context.Context, at Place, emit Emit) (Place, error) {
	m := r.members[at.Member]
	next, err := r.steps[at.Step](ctx, m, at.After, emit)
	switch {
	case err != nil:
		return at, err
	case next != "":
		at.After = next
		return at, nil
	}
	at.After = ""
	// The history of all members is read at once.
	if at.Member++; at.Member == len(r.members) || at.Step == len(r.steps)-1 {
		at.Member = 0
		at.Step++
	}
	return at, nil
}

// record emits a record, or a part of one.
func (r *Reader) record(k *store.RecordKind, rec Record, emit Emit) error {
	part := ""
	if k.Part {
		part = string(k.Dataset)
		for k.Part {
			k = k.Parent()
		}
	}
	text, err := line(part, rec)
	if err != nil {
		return err
	}
	return emit(string(k.Dataset), text)
}

// fact emits a line that is no record.
func fact(section string, v any, emit Emit) error {
	text, err := line("", v)
	if err != nil {
		return err
	}
	return emit(section, text)
}
