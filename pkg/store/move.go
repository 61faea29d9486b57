package store

import (
	"context"
	"encoding/json"

	"reseed/pkg/fault"
	"reseed/pkg/table"
)

// Mark is the mark of a move of the whole account. It stands in the place of the directory, at both
// ends: so everything that reads the directory is refused, in versions that know no moves too, since
// they find no directory in the item. At the source it keeps the directory. The target gets the
// directory last, once everything else is there and was verified.
type Mark struct {
	ID       string `json:"id"`
	From     string `json:"from"` // for people: what and by which name, without folders above it
	To       string `json:"to"`
	Arriving bool   `json:"arriving,omitempty"` // this is the target
	Begun    bool   `json:"begun,omitempty"`    // at the source: the target has its mark
	Done     bool   `json:"done,omitempty"`     // at the source: everything was verified
	// At the target, how far items were copied: all partitions up to Through, in the order of a scan
	// of the source, except for those of Lanes, of which only the items up to a sort key were.
	Through string            `json:"through,omitempty"`
	Lanes   map[string]string `json:"lanes,omitempty"`
	Items   int64             `json:"items,omitempty"`  // how many that were
	Copied  bool              `json:"copied,omitempty"` // all were

	version   int64
	directory table.Attrs // at the source
}

// Attributes of a mark. An item with the mark has no body, which is where all versions look for a
// directory.
const (
	attrKept = "directory"
	attrMove = "move"
)

// Codes of the fault.Forbidden errors for everything that needs the directory while a mark stands
// in its place.
const (
	CodeMoving   = "account_moving"
	CodeMoved    = "account_moved"
	CodeArriving = "account_arriving"
)

// Moves tells whether an error says that a mark of a move stands in the place of the directory.
func Moves(err error) bool {
	switch fault.CodeOf(err) {
	case CodeMoving, CodeMoved, CodeArriving:
		return true
	}
	return false
}

func (m *Mark) refusal() error {
	switch {
	case m.Arriving:
		return fault.Newf(fault.Forbidden, CodeArriving, "a move of an account from %s to here is not complete: repeat the same \"reseed move\", which goes on where it was", m.From)
	case m.Done:
		return fault.Newf(fault.Forbidden, CodeMoved, "this account was moved to %s: use it there", m.To)
	}
	return fault.Newf(fault.Forbidden, CodeMoving, "this account is being moved to %s: repeat the same \"reseed move\" to go on with that, or take the account into use here again with \"reseed move --cancel\"", m.To)
}

// Mark reads the mark of a move; nil if there is none.
func (s *Store) Mark(ctx context.Context) (*Mark, error) {
	items, err := s.Get(ctx, DirectoryKey())
	if err != nil || len(items) == 0 {
		return nil, err
	}
	return decodeMark(items[0].Attrs)
}

// Seal puts the mark in the place of the directory at the source. The error is fault.Conflict if
// the directory changes at that moment.
func (s *Store) Seal(ctx context.Context, m Mark) (*Mark, error) {
	items, err := s.Get(ctx, DirectoryKey())
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, fault.New(fault.NotFound, "no_account", "there is no account here to be moved")
	}
	d, err := decodeDirectory(items[0].Attrs)
	if err != nil {
		return nil, err
	}
	m.version, m.directory = d.Version, items[0].Attrs
	return &m, s.KeepMark(ctx, &m)
}

// Receive puts the mark into the target, which must be empty (see [Store.CanReceive]).
func (s *Store) Receive(ctx context.Context, m Mark) (*Mark, error) {
	is, err := s.receivable(ctx)
	if err != nil {
		return nil, err
	}
	m.Arriving, m.Begun, m.version, m.directory = true, false, is.N, nil
	return &m, s.putMark(ctx, &m, is)
}

// CanReceive tells whether an account can be moved to this table: it holds nothing, or only a
// directory that never had a source, which any request to a new deployment makes. Else the error is
// that of [NotEmpty].
func (s *Store) CanReceive(ctx context.Context) error {
	_, err := s.receivable(ctx)
	return err
}

// receivable returns the condition under which the mark may be put into the target.
func (s *Store) receivable(ctx context.Context) (is table.Cond, err error) {
	page, err := s.Scan(ctx, table.Key{}, 2)
	if err != nil {
		return is, err
	}
	is.Op = table.Absent
	for _, it := range page.Items {
		if it.Key != DirectoryKey() {
			return is, NotEmpty()
		}
		d, err := decodeDirectory(it.Attrs)
		if err != nil || d.NextTag > 1 {
			return is, NotEmpty()
		}
		is = table.Cond{Op: table.Equals, Attr: AttrVersion, N: d.Version}
	}
	return is, nil
}

// NotEmpty is the error for a target that holds something already.
func NotEmpty() error {
	return fault.New(fault.Conflict, "target_not_empty", "the target holds something already, and a move needs an empty one")
}

// KeepMark stores a changed mark. The error is fault.Conflict if another process has changed it
// since it was read.
func (s *Store) KeepMark(ctx context.Context, m *Mark) error {
	return s.putMark(ctx, m, table.Cond{Op: table.Equals, Attr: AttrVersion, N: m.version})
}

func (s *Store) putMark(ctx context.Context, m *Mark, is table.Cond) error {
	text, err := json.Marshal(m)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "move", "encode the mark of a move")
	}
	b := table.NewBuilder().IntAlways(AttrVersion, m.version+1)
	if m.directory != nil {
		b.Bytes(attrKept, m.directory)
	}
	item := table.Item{Key: DirectoryKey(), Attrs: b.Str(attrMove, string(text)).Attrs()}
	if err := s.changeMark(ctx, item, is); err != nil {
		return err
	}
	m.version++
	return nil
}

func (s *Store) changeMark(ctx context.Context, item table.Item, is table.Cond) error {
	err := s.Transact(ctx, table.Write{Item: item, If: is})
	if fault.Is(err, fault.Conflict) {
		return fault.New(fault.Conflict, "move_elsewhere", "another process works on this account: it goes on with the same move, has cancelled it, or uses the account; see what it does before you repeat the command")
	}
	return err
}

// Reopen puts the directory back into its place at the source: the account can be used there again.
func (s *Store) Reopen(ctx context.Context, m *Mark) error {
	body, ok := m.directory.Get(attrBody)
	if !ok {
		return fault.New(fault.Internal, "move", "the mark of a move keeps no directory")
	}
	// A version that it never had: whoever has read the directory before reads it again.
	attrs := table.NewBuilder().IntAlways(AttrVersion, m.version+1).Raw(attrBody, body).Attrs()
	return s.changeMark(ctx, table.Item{Key: DirectoryKey(), Attrs: attrs}, table.Cond{Op: table.Equals, Attr: AttrVersion, N: m.version})
}

// Deliver puts the directory that the mark at the source keeps into the target, in the place of the
// mark there: from then on the target can be used.
func (s *Store) Deliver(ctx context.Context, source, target *Mark) error {
	return s.changeMark(ctx, table.Item{Key: DirectoryKey(), Attrs: source.directory}, table.Cond{Op: table.Equals, Attr: AttrVersion, N: target.version})
}

// Travels tells whether a move copies an item. It leaves out the directory, which goes last, and
// the API keys: credentials don't move.
func Travels(k table.Key) bool { return k != DirectoryKey() && k.PK != apiKeysPK }

func decodeMark(a table.Attrs) (*Mark, error) {
	text := a.Str(attrMove)
	if text == "" {
		return nil, nil //nolint:nilnil // there is no mark, and that is an answer
	}
	m := &Mark{}
	if err := json.Unmarshal([]byte(text), m); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "move", "read the mark of a move")
	}
	m.version, _ = a.Int(AttrVersion)
	if kept, ok := a.Get(attrKept); ok {
		m.directory = table.Attrs(kept.Raw)
	}
	return m, nil
}
