package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"reseed/pkg/fault"
	"reseed/pkg/later"
	"reseed/pkg/table"
)

// MaxSources is the largest number of sources in one account.
const MaxSources = 250

// DefaultShards is how many shards a source has unless set otherwise.
const DefaultShards = 16

// Directory lists every source. It is one item, strongly read with every
// request, never trusted from a cache, and changed only on condition of its
// version: so creating, renaming, emptying and erasing a source are each one
// conditional write at any size.
type Directory struct {
	Version     int64    `json:"-"`
	HashKey     []byte   `json:"hash_key"` // the secret key of all identities, 32 bytes, made once
	NextTag     Tag      `json:"next_tag"`
	ManualEpoch int64    `json:"manual_epoch"`         // manual rows below it are invisible
	ManualTop   int64    `json:"manual_top,omitempty"` // the highest that it ever was, if a restore has lowered it
	Forgets     bool     `json:"forgets,omitempty"`    // there is a do-not-reload list
	Sources     []Source `json:"sources"`

	Later later.Fields `json:"-"` // fields that a later version stored; kept as they are, here and in sources

	// Tombstones are items of their own (see tombstoneCache). The directory only counts them.
	changed int64             // the version that changed them last; 0: there are none
	counts  map[Tag]int64     // of tombstones, by source; without zeros
	stored  *tombstones       // the tombstones of the directory's version
	older   olderTombstones   // stored in the directory itself
	pending []tombstoneChange // to be written with the directory
	hasher  *Hasher

	raw table.Attrs // as Snapshot read it, to see whether it must be decoded again
}

// Source is a container of imported data.
type Source struct {
	UUID      string    `json:"uuid"` // ds_…
	Tag       Tag       `json:"tag"`
	Name      string    `json:"name"`
	System    string    `json:"system"`
	CreatedAt time.Time `json:"created_at"`
	Epochs    Epochs    `json:"epochs"`
	Top       Epochs    `json:"top,omitzero"` // the highest that they ever were, if a restore has lowered them
	// epochs that a restore has left: a request at that moment may have written there
	Left []Epochs `json:"left,omitempty"`
	// not empty while an erase of it is restored, whose id it begins with: no request writes then
	Restoring string `json:"restoring,omitempty"`
	Shards    int    `json:"shards"`
	// a customer of it was merged once: else there are no links to look for
	Merges bool `json:"merges,omitempty"`
	// raised by each erase that deletes files: uploads that began before are refused
	Fence int64 `json:"fence,omitempty"`
	// it pulls from elsewhere: what changes its rows leaves a mark, see [Store.MarkWritten]
	Pulls bool `json:"pulls,omitempty"`
	// the first epoch of customers whose rows jobs have counted from the beginning; 0: none, since it
	// is older than such counts and was not emptied since
	Counted int `json:"counted,omitempty"`

	Later later.Fields `json:"-"`
}

// Space spells the keys of the source.
func (s Source) Space() Space { return Space{Tag: s.Tag, Epochs: s.Epochs, Shards: s.Shards} }

// ByUUID finds a source by its uuid.
func (d *Directory) ByUUID(id string) (Source, bool) {
	return d.find(func(s Source) bool { return s.UUID == id })
}

// ByTag finds a source by its tag.
func (d *Directory) ByTag(tag Tag) (Source, bool) {
	return d.find(func(s Source) bool { return s.Tag == tag })
}

// SetMerges notes that a customer of the source was merged.
func (d *Directory) SetMerges(id string) {
	for i := range d.Sources {
		if d.Sources[i].UUID == id {
			d.Sources[i].Merges = true
		}
	}
}

// SetPulls notes that a source pulls from elsewhere.
func (d *Directory) SetPulls(tag Tag) {
	for i := range d.Sources {
		if d.Sources[i].Tag == tag {
			d.Sources[i].Pulls = true
		}
	}
}

// RaiseFence makes sure that uploads of these sources that are under way are refused: once this is
// stored, they cannot become imports.
func (d *Directory) RaiseFence(tags ...Tag) {
	for i := range d.Sources {
		if slices.Contains(tags, d.Sources[i].Tag) {
			d.Sources[i].Fence++
		}
	}
}

// Hold returns a write that stores the directory unchanged. It makes a transaction fail with
// fault.Conflict if the directory has changed since it was read.
func (d *Directory) Hold() (table.Write, error) {
	next := *d
	next.Version++
	item, err := encodeDirectory(&next)
	return table.Write{Item: item, If: table.Cond{Op: table.Equals, Attr: AttrVersion, N: d.Version}}, err
}

func (d *Directory) find(is func(Source) bool) (Source, bool) {
	for _, s := range d.Sources {
		if is(s) {
			return s, true
		}
	}
	return Source{}, false
}

// RaiseManual begins a new manual epoch: once this is stored, all manual rows are invisible (I5).
func (d *Directory) RaiseManual() (was int64) {
	was = d.ManualEpoch
	d.ManualEpoch = max(was, d.ManualTop) + 1
	d.ManualTop = d.ManualEpoch
	return was
}

// Metadata attributes: about the item rather than in it.
const (
	AttrCreated = "_at" // Unix milliseconds
	AttrBy      = "_by" // of edits: who made them
	AttrImport  = "_i"  // the number of the import that added it (see job.Number); absent if it came over REST
	AttrManual  = "_m"  // manual epoch at creation; absent on rows that are not manual
	AttrUpdated = "_up" // Unix milliseconds
	AttrVersion = "_v"  // of items that are changed on condition that it is still the same
	attrBody    = "body"
)

// Hasher returns the Hasher of the directory's key.
func (d *Directory) Hasher() *Hasher { return NewHasher(d.HashKey) }

// IsSourceUUID tells whether a text looks like the uuid of a source, in any case and spelling. No
// source may have such a name.
func IsSourceUUID(s string) bool {
	return len(s) > len(PrefixSource) && strings.EqualFold(s[:len(PrefixSource)], PrefixSource) && uuid.Validate(s[len(PrefixSource):]) == nil
}

// Add makes a source, and stores the normal form of its name. The name must be free and not empty,
// and must not look like the uuid of a source, since sources are found by either.
func (d *Directory) Add(id, name, system string, at time.Time) (Source, error) {
	name = NormalName(name)
	switch has, taken := d.ByName(name); {
	case name == "":
		return Source{}, &fault.Error{Kind: fault.Invalid, Code: "required", Param: "name", Message: "A name is required for each data source."}
	case IsSourceUUID(name):
		return Source{}, &fault.Error{Kind: fault.Invalid, Code: "uuid_as_name", Param: "name", Message: "Must not look like the uuid of a data source: choose another name."}
	case taken:
		return Source{}, nameTaken(has, name)
	case len(d.Sources) >= MaxSources:
		return Source{}, tooManySources()
	case d.NextTag > MaxTag:
		return Source{}, fault.New(fault.Invalid, "no_tags_left", "this account has used up its data source numbers")
	}
	s := Source{
		UUID: id, Tag: d.NextTag, Name: name, System: system, CreatedAt: at.UTC(),
		Epochs: Epochs{1, 1, 1}, Shards: DefaultShards, Counted: 1,
	}
	d.NextTag++
	d.Sources = append(d.Sources, s)
	return s, nil
}

// nameTaken says that a source has a name already, and how it spells it if that differs.
func nameTaken(has Source, name string) error {
	message := "Has already been taken."
	if !strings.EqualFold(has.Name, name) {
		message = fmt.Sprintf("Has already been taken by %q (%s), which is spelled in another way.", has.Name, has.UUID)
	}
	return &fault.Error{Kind: fault.Conflict, Code: "taken", Param: "name", Message: message}
}

// Remove removes a source from the directory: once this is stored, everything in it is invisible
// and its name is free again (I5).
func (d *Directory) Remove(id string) bool {
	for i, s := range d.Sources {
		if s.UUID == id {
			d.Sources = append(d.Sources[:i:i], d.Sources[i+1:]...)
			return true
		}
	}
	return false
}

// RaiseEpochs begins new epochs of a source: those that are not 0 in which. Once this is stored,
// everything under an old epoch is invisible (I5). An epoch is never used twice, even if a restore
// goes back to an older one.
func (d *Directory) RaiseEpochs(id string, which Epochs) (Source, bool) {
	for i := range d.Sources {
		s := &d.Sources[i]
		if s.UUID != id {
			continue
		}
		top := s.top()
		raise := func(now *int, top *int, by int) {
			if by > 0 {
				*top++
				*now = *top
			}
		}
		raise(&s.Epochs.Customers, &top.Customers, which.Customers)
		raise(&s.Epochs.Data, &top.Data, which.Data)
		raise(&s.Epochs.Edits, &top.Edits, which.Edits)
		s.Top = top
		if s.Counted == 0 && which.Customers > 0 {
			s.Counted = s.Epochs.Customers
		}
		return *s, true
	}
	return Source{}, false
}

// top returns the highest epochs that the source ever had.
func (s *Source) top() Epochs {
	return Epochs{
		max(s.Epochs.Customers, s.Top.Customers), max(s.Epochs.Data, s.Top.Data), max(s.Epochs.Edits, s.Top.Edits),
	}
}

// SetRestoring notes which attempt to restore an erase of a source is under way. An empty fence
// says that it has ended.
func (d *Directory) SetRestoring(tag Tag, fence string) {
	for i := range d.Sources {
		if d.Sources[i].Tag == tag {
			d.Sources[i].Restoring = fence
		}
	}
}

// Restore brings back a source as it was: a removed source, unless its name is taken, or the former
// epochs of one that exists.
func (d *Directory) Restore(was Source) error {
	for i := range d.Sources {
		if s := &d.Sources[i]; s.UUID == was.UUID {
			s.Top, s.Left = s.top(), append(slices.Clone(s.Left), s.Epochs)
			s.Epochs, s.Shards, s.Restoring = was.Epochs, was.Shards, ""
			return nil
		}
	}
	// Its own name, not the normal form: two sources that an older version let have the same normal
	// form may both come back.
	_, taken := d.find(func(s Source) bool { return strings.EqualFold(s.Name, was.Name) })
	switch {
	case taken:
		return &fault.Error{Kind: fault.Conflict, Code: "taken", Param: "name", Message: "another data source has taken the name meanwhile"}
	case len(d.Sources) >= MaxSources:
		return tooManySources()
	}
	was.Restoring = ""
	was.Fence++ // an erase while the source was away may concern data in uploads that began before
	d.Sources = append(d.Sources, was)
	slices.SortFunc(d.Sources, func(a, b Source) int { return cmp.Compare(a.Tag, b.Tag) })
	return nil
}

func tooManySources() error {
	return fault.Newf(fault.Invalid, "too_many_sources", "an account holds at most %d data sources", MaxSources)
}

// Directory reads the directory, making it with a new secret key at the table's first use.
func (s *Store) Directory(ctx context.Context) (*Directory, error) {
	for {
		items, err := s.Get(ctx, DirectoryKey())
		if err != nil {
			return nil, err
		}
		if len(items) == 0 {
			return s.firstDirectory(ctx)
		}
		if d, err := s.readDirectory(ctx, items[0].Attrs); !errors.Is(err, errMoved) {
			return d, err
		}
	}
}

func (s *Store) firstDirectory(ctx context.Context) (*Directory, error) {
	d := &Directory{HashKey: make([]byte, 32), NextTag: 1, ManualEpoch: 1, Version: 1, counts: map[Tag]int64{}}
	_, _ = rand.Read(d.HashKey) // never fails (crypto/rand)
	d.hasher = d.Hasher()
	item, err := encodeDirectory(d)
	if err != nil {
		return nil, err
	}
	err = s.Transact(ctx, table.Write{Item: item, If: table.Cond{Op: table.Absent}})
	if fault.Is(err, fault.Conflict) { // another process was first
		return s.Directory(ctx)
	}
	return d, err
}

// ChangeDirectory reads the directory, lets change alter it, and stores it on condition that it has
// not changed meanwhile. If it has, all of this is repeated. The writes that change returns go into
// the same transaction. If change returns an error, ChangeDirectory returns that error and writes
// nothing.
func (s *Store) ChangeDirectory(ctx context.Context, change func(*Directory) ([]table.Write, error)) (*Directory, error) {
	for {
		d, err := s.Directory(ctx)
		if err != nil {
			return nil, err
		}
		more, err := change(d)
		if err != nil {
			return nil, err
		}
		was := d.Version
		d.Version++
		stones, err := s.tombstoneWrites(ctx, d, was)
		if err != nil {
			return nil, err
		}
		item, err := encodeDirectory(d)
		if err != nil {
			return nil, err
		}
		err = s.Transact(ctx, slices.Concat([]table.Write{{Item: item, If: table.Cond{Op: table.Equals, Attr: AttrVersion, N: was}}}, stones, more)...)
		if err == nil {
			s.known.keep(d.stored)
			return d, nil
		}
		if !fault.Is(err, fault.Conflict) {
			return nil, err
		}
		// Only a changed directory is worth another try. Otherwise a condition of the caller's
		// writes failed.
		now, readErr := s.Directory(ctx)
		if readErr != nil || now.Version == was {
			return nil, err
		}
	}
}

// readDirectory decodes a stored directory and finds its tombstones. After errMoved the directory
// must be read again.
func (s *Store) readDirectory(ctx context.Context, stored table.Attrs) (*Directory, error) {
	d, err := decodeDirectory(stored)
	if err == nil {
		err = s.findTombstones(ctx, d)
	}
	return d, err
}

// storedDirectory is the directory as JSON.
type storedDirectory struct {
	*Directory
	Tombstones []Tombstone `json:"tombstones,omitempty"`
}

// kindStored is the kind of entries that count tombstones in the directory. With a tag, Import is
// the number of tombstones of that source. Without a tag, Import is the version that changed
// tombstones last. They stand in the list of tombstones of older versions because those versions
// write that list back, but drop fields that they do not know.
const kindStored Kind = "stored"

func encodeDirectory(d *Directory) (table.Item, error) {
	stones := slices.Clone(d.older.list)
	if d.changed > 0 {
		stones = append(stones, Tombstone{Kind: kindStored, Import: d.changed})
	}
	for _, tag := range slices.Sorted(maps.Keys(d.counts)) {
		stones = append(stones, Tombstone{Kind: kindStored, Tag: tag, Import: d.counts[tag]})
	}
	body, err := later.Marshal(storedDirectory{d, stones})
	if err != nil {
		return table.Item{}, fault.Wrap(err, fault.Internal, "directory", "encode the directory")
	}
	return table.Item{Key: DirectoryKey(), Attrs: table.NewBuilder().IntAlways(AttrVersion, d.Version).Str(attrBody, string(body)).Attrs()}, nil
}

func decodeDirectory(a table.Attrs) (*Directory, error) {
	switch m, err := decodeMark(a); {
	case err != nil:
		return nil, err
	case m != nil:
		return nil, m.refusal()
	}
	d := &Directory{counts: map[Tag]int64{}}
	stored := storedDirectory{Directory: d}
	if err := later.Unmarshal([]byte(a.Str(attrBody)), &stored); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "directory", "read the directory")
	}
	d.Version, _ = a.Int(AttrVersion)
	d.hasher = d.Hasher()
	var others []Tombstone
	for _, t := range stored.Tombstones {
		switch {
		case t.Kind != kindStored:
			others = append(others, t)
		case t.Tag == 0:
			d.changed = t.Import
		default:
			d.counts[t.Tag] = t.Import
		}
	}
	d.older.fill(others)
	return d, nil
}
