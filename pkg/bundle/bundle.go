package bundle

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"maps"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"reseed/pkg/objects"
	"reseed/pkg/source/system"
)

// Config is what a [Bundler] needs. The folders end with a slash, and are those of one job.
type Config struct {
	Objects  *objects.Objects
	System   system.System
	Settings system.Settings
	Raw      string // folder of the raw pages
	Dir      string // folder of what the steps leave to each other; may be deleted once all is mapped
	Out      string // folder of the input files
}

// State is how far a bundler is. Its JSON is kept between steps. A version of this program that knows no Reads finds no progress in it, and begins
// anew: it has runs of its own.
type State struct {
	Pages  int    `json:"pages"`                  // raw pages so far
	Reads  string `json:"reads,omitempty"`        // digest of what is left of objects in runs
	Sorted int    `json:"pages_sorted,omitempty"` // of Pages
	Hops   int    `json:"joins,omitempty"`        // done
	Joined bool   `json:"all_joined,omitempty"`   // nothing is left to join
	Mapped int    `json:"sections,omitempty"`     // that are mapped
	Done   bool   `json:"all_mapped,omitempty"`
}

// Sizes of steps. They decide the names of runs, so that a step that is done again replaces its runs.
const (
	chunkPages = 128 // a run of a chunk is sorted from so many pages
	sections   = 8   // into which customers are split
	mostHops   = 3   // objects over which an object may name its customer
)

// Names of runs.
const (
	runsCatalog = "catalog/"
	runsNames   = "names/"  // customers: listed, or only named
	runsOwners  = "owners/" // which object is whose
)

func runsOf(section int) string { return fmt.Sprintf("customers/%d/", section) }

// runsRefs are objects that name their customer through another one, as they are before the n-th join.
func runsRefs(n int) string { return fmt.Sprintf("refs/%d/", n) }

// Bundler makes input files of raw pages.
type Bundler struct {
	Config

	reads   map[system.Stream]system.Fields
	digest  string    // of reads
	runs    string    // folder of the runs; a version of this program that reads other fields has another folder
	buffers sync.Pool // of sorters
}

// New makes a bundler. It makes no call.
func New(c Config) *Bundler {
	b := &Bundler{Config: c, reads: c.System.Reads()}
	h := fnv.New128a()
	for _, s := range slices.Sorted(maps.Keys(b.reads)) {
		_, _ = fmt.Fprintln(h, s, b.reads[s]) // never fails
	}
	b.digest = fmt.Sprintf("%x", h.Sum(nil))
	b.runs = c.Dir + b.digest + "/"
	return b
}

// AllSorted reports whether all pages that are there so far are sorted: then [Bundler.Missing] can tell which customers lack.
func (b *Bundler) AllSorted(s State) bool { return s.Reads == b.digest && s.Sorted == s.Pages }

// Step goes one step further: it sorts some pages, makes a join, or maps some sections. It begins anew if a version of this program made the
// state that reads other fields of objects. The step is done when it returns the next state without an error.
func (b *Bundler) Step(ctx context.Context, s State) (State, error) {
	var err error
	switch {
	case s.Reads != b.digest:
		s = State{Pages: s.Pages, Reads: b.digest}
	case !b.AllSorted(s):
		s.Sorted, err = b.sort(ctx, s)
	case !s.Joined:
		s.Joined, err = b.join(ctx, s.Hops)
		s.Hops++
	case s.Mapped < sections:
		s.Mapped, err = b.mapSome(ctx, s.Mapped)
	default:
		err = b.mapCatalog(ctx)
		s.Done = err == nil
	}
	return s, err
}

// sort sorts some chunks of pages at the same time, and returns how many pages are sorted then.
func (b *Bundler) sort(ctx context.Context, s State) (sorted int, err error) {
	g, inner := errgroup.WithContext(ctx)
	for range runtime.GOMAXPROCS(0) {
		from := s.Sorted
		if from >= s.Pages {
			break
		}
		to := min(from-from%chunkPages+chunkPages, s.Pages)
		g.Go(func() error { return b.sortChunk(inner, from, to) })
		s.Sorted = to
	}
	return s.Sorted, g.Wait()
}

// chunk sorts the objects of some pages.
type chunk struct {
	b                            *Bundler
	all                          *sorters
	catalog, owners, refs, names *sorter
	of                           [sections]*sorter
	named                        map[string]bool // customers; true if one is listed
	owner, scratch               []byte
}

func (b *Bundler) sortChunk(ctx context.Context, from, to int) error {
	name := func(kind string) string { return fmt.Sprintf("%s%06d", kind, from) }
	all := b.newSorters()
	defer b.release(all)
	c := &chunk{
		b: b, all: all, catalog: all.sorter(name(runsCatalog)), owners: all.sorter(name(runsOwners)), refs: all.sorter(name(runsRefs(0))),
		names: all.sorter(name(runsNames)), named: map[string]bool{},
	}
	for i := range c.of {
		c.of[i] = all.sorter(name(runsOf(i)))
	}
	pages, err := b.newPageReader()
	if err != nil {
		return err
	}
	defer pages.close()
	for n := from; n < to; n++ {
		if err := pages.each(ctx, n, func(o system.Object) error { return c.take(ctx, o) }); err != nil {
			return err
		}
	}
	return c.end(ctx)
}

// take puts an object where it belongs.
func (c *chunk) take(ctx context.Context, o system.Object) error {
	by, err := c.b.System.BelongsTo(o)
	if err != nil { // it is nobody's, as far as can be told; the mapping of nobody's objects says that it is odd
		by = system.Belongs{}
	}
	c.scratch = c.b.appendObject(c.scratch[:0], o)
	switch {
	case by.Catalog:
		return c.catalog.add(ctx, string(o.Stream)+"\x00"+by.Own, c.scratch)
	case by.Customer != "":
		c.named[by.Customer] = c.named[by.Customer] || by.Self
		if err := c.owned(ctx, o.Stream, by); err != nil {
			return err
		}
		return c.of[sectionOf(by.Customer)].add(ctx, by.Customer, c.scratch)
	case by.ID != "":
		if err := c.owned(ctx, o.Stream, by); err != nil {
			return err
		}
		return c.refs.add(ctx, node(by.Stream, by.ID), c.scratch)
	}
	return c.of[sectionOf(nobody)].add(ctx, nobody, c.scratch)
}

// owned notes whose an object is, for those that name it.
func (c *chunk) owned(ctx context.Context, s system.Stream, by system.Belongs) error {
	if by.Own == "" || by.Self {
		return nil
	}
	c.owner = appendText(c.owner[:0], by.Customer)
	c.owner = append(c.owner, node(by.Stream, by.ID)...)
	return c.owners.add(ctx, node(s, by.Own), c.owner)
}

func (c *chunk) end(ctx context.Context) error {
	for _, customer := range slices.Sorted(maps.Keys(c.named)) {
		if err := c.names.add(ctx, customer, []byte{boolByte(c.named[customer])}); err != nil {
			return err
		}
	}
	return c.all.flush(ctx)
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// node is the key of an object in joins.
func node(s system.Stream, id string) string { return string(s) + "\x00" + id }

func sectionOf(customer string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(customer)) // never fails
	return int(h.Sum32() % sections)
}

// Missing yields the customers that objects name and no page has, in order. All pages must be sorted. Customers that only joined
// objects name are not there: those name them through an object that does.
func (b *Bundler) Missing(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		names, err := b.open(ctx, runsNames)
		if err != nil {
			yield("", err)
			return
		}
		defer names.close()
		err = names.groups(ctx, func(customer string, flags [][]byte) error {
			if flags[len(flags)-1][0] == 0 && !yield(customer, nil) { // flags are in order: whoever lists it comes last
				return errEnough
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield("", err)
		}
	}
}

// errEnough says that the caller wants no more.
var errEnough = errors.New("bundle: enough")

// join brings the objects that name another one to their customers, over one object. It reports whether nothing is left to join.
func (b *Bundler) join(ctx context.Context, hop int) (done bool, err error) {
	refs, err := b.open(ctx, runsRefs(hop))
	if err != nil {
		return false, err
	}
	defer refs.close()
	owners, err := b.open(ctx, runsOwners)
	if err != nil {
		return false, err
	}
	defer owners.close()
	all := b.newSorters()
	defer b.release(all)
	j := &joining{owners: owners, further: all.sorter(fmt.Sprintf("%sjoined", runsRefs(hop+1))), last: hop+1 == mostHops}
	for i := range j.of {
		j.of[i] = all.sorter(fmt.Sprintf("%sjoined-%d", runsOf(i), hop))
	}
	if err := refs.groups(ctx, func(key string, waiting [][]byte) error { return j.take(ctx, key, waiting) }); err != nil {
		return false, err
	}
	if err := all.flush(ctx); err != nil {
		return false, err
	}
	return j.further.n == 0, nil
}

// joining is a join that goes on.
type joining struct {
	owners    *merged
	key       string // of the owner that was read last
	payload   []byte
	of        [sections]*sorter
	further   *sorter // what names yet another object
	last      bool
	exhausted bool
}

// take brings objects that name one object to its customer, to the object that it names in turn, or to nobody.
func (j *joining) take(ctx context.Context, key string, waiting [][]byte) error {
	owner, err := j.find(key)
	if err != nil {
		return err
	}
	customer, next, _ := cutText(owner)
	for _, o := range waiting {
		switch {
		case customer == "" && len(next) > 1 && !j.last:
			err = j.further.add(ctx, string(next), o)
		default:
			err = j.of[sectionOf(customer)].add(ctx, customer, o)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// find returns whose the object of a key is; nil if it is not known. Of several versions that differ the last one counts. Keys
// come in order.
func (j *joining) find(key string) (owner []byte, err error) {
	for !j.exhausted && j.key <= key {
		if j.key == key {
			owner = j.payload
		}
		j.key, j.payload, err = j.owners.next()
		if isEnd(err) {
			j.exhausted, err = true, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return owner, nil
}
