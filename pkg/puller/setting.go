package puller

import (
	"context"
	"errors"
	"slices"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/later"
	"reseed/pkg/source/sheets"
	"reseed/pkg/source/system"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Setting is what a source pulls from, and how its pulls go.
type Setting struct {
	Spreadsheet string        `json:"spreadsheet"`           // its id; empty if the source pulls from a billing system
	System      *System       `json:"system,omitempty"`      // nil if it pulls from a spreadsheet
	Every       time.Duration `json:"every,omitempty"`       // 0: only when somebody asks for it
	MaxChanged  *int          `json:"max_changed,omitempty"` // percent; nil is job.DefaultMaxChanged
	MaxRemoved  *int          `json:"max_removed,omitempty"` // percent; nil is the setting of the account, or else job.DefaultMaxRemoved

	Next    time.Time `json:"next,omitzero"`     // when the next pull is due, if Every is not 0
	Skipped int64     `json:"skipped,omitempty"` // how many were due while another one ran, since the last one began
	Last    string    `json:"last,omitempty"`    // job of the latest pull
	Applied string    `json:"applied,omitempty"` // job of the latest pull that was done, if Last is not
	Waiting string    `json:"waiting,omitempty"` // job of the latest pull that waited for a yes, if Last does not
	One     string    `json:"one,omitempty"`     // job of the latest pull of one customer that waited for a yes, if Last does not
	Raw     string    `json:"raw,omitempty"`     // job of the latest pull that has read all of a billing system, if Last has not

	Version int64        `json:"-"` // of the stored item
	Later   later.Fields `json:"-"`
}

// System is the account of a billing system that a source pulls from. Its credentials lie apart.
type System struct {
	Name          string          `json:"name"`            // [system.System.Name]
	Place         string          `json:"place,omitempty"` // [system.Place.Name]; empty: the first
	Account       system.Account  `json:"account"`         // whose credentials it was connected with; no pull reads another one
	Mapping       system.Settings `json:"mapping"`
	Subscriptions []string        `json:"subscriptions,omitempty"` // ids that people have named, see [system.Connection]
	Given         time.Time       `json:"given,omitzero"`          // when the credentials were stored
	// why the system has refused the credentials, as a sentence, and since when; empty if it has not
	Refused      string    `json:"refused,omitempty"`
	RefusedAt    time.Time `json:"refused_at,omitzero"`
	Disconnected bool      `json:"disconnected,omitempty"` // a person has taken the credentials away; Refused says so, too
}

// Changed is the share of a dataset's stored rows, in percent, above which the changes of a pull that
// nobody watches wait for a yes.
func (s Setting) Changed() int {
	if s.MaxChanged != nil {
		return *s.MaxChanged
	}
	return job.DefaultMaxChanged
}

// Removed is the same for the rows that a pull removes.
func (s Setting) Removed() int {
	if s.MaxRemoved != nil {
		return *s.MaxRemoved
	}
	return job.DefaultMaxRemoved
}

// Limits of Every.
const (
	Shortest = 5 * time.Minute
	Longest  = 31 * 24 * time.Hour
)

// Change is a change of a setting by a person. What is nil stays.
type Change struct {
	Spreadsheet *string // its address or id
	Every       *time.Duration
	MaxChanged  *int
	MaxRemoved  *int
}

func (c Change) check() error {
	share := func(param string, n *int) error {
		if n != nil && (*n < 0 || *n > 100) {
			return &fault.Error{Kind: fault.Invalid, Code: "bad_share", Param: param, Message: "It is a percentage from 0 to 100."}
		}
		return nil
	}
	if err := errors.Join(share("max_changed", c.MaxChanged), share("max_removed", c.MaxRemoved)); err != nil {
		return err
	}
	if c.Every != nil && *c.Every != 0 && (*c.Every < Shortest || *c.Every > Longest) {
		return &fault.Error{Kind: fault.Invalid, Code: "bad_interval", Param: "every", Message: "It is from 5m to 744h (31 days), or never."}
	}
	return nil
}

// codeNone is the code of the error if a source pulls from nothing.
const codeNone = "no_spreadsheet"

// errNone says that a source pulls from nothing.
func errNone() error {
	return fault.New(fault.Conflict, codeNone, "This data source is not connected to a spreadsheet. Connect it: reseed sources set NAME --spreadsheet URL.")
}

// Setting returns what a source pulls from. The error is fault.Conflict, code no_spreadsheet, if that
// is nothing.
func (p *Puller) Setting(ctx context.Context, tag store.Tag) (Setting, error) {
	found, err := p.c.Store.Lookup(ctx, store.PullKey(tag))
	if err != nil {
		return Setting{}, err
	}
	if found[store.PullKey(tag)] == nil {
		return Setting{}, errNone()
	}
	return decode(found[store.PullKey(tag)])
}

const attrBody = "body"

func decode(a table.Attrs) (s Setting, err error) {
	if err := later.Unmarshal([]byte(a.Str(attrBody)), &s); err != nil {
		return s, fault.Wrap(err, fault.Internal, "pulls", "read what a source pulls from")
	}
	s.Version, _ = a.Int(store.AttrVersion)
	return s, nil
}

// write returns the write that stores the next version of a setting, on condition that it has not
// changed.
func (s Setting) write(tag store.Tag) (table.Write, error) {
	body, err := later.Marshal(s)
	if err != nil {
		return table.Write{}, fault.Wrap(err, fault.Internal, "pulls", "encode what a source pulls from")
	}
	w := table.Write{
		Item: table.Item{Key: store.PullKey(tag), Attrs: table.NewBuilder().Int(store.AttrVersion, s.Version+1).Str(attrBody, string(body)).Attrs()},
		If:   table.Cond{Op: table.Equals, Attr: store.AttrVersion, N: s.Version},
	}
	if s.Version == 0 {
		w.If = table.Cond{Op: table.Absent}
	}
	return w, nil
}

// whole returns a setting with the share of removed rows that the account has set, if the source has
// none.
func (p *Puller) whole(ctx context.Context, s Setting) (Setting, error) {
	if s.MaxRemoved != nil {
		return s, nil
	}
	set, err := p.c.Store.Settings(ctx)
	s.MaxRemoved = set.MaxRemoved
	return s, err
}

// Set changes what a source pulls from, and returns that. A source that pulls from nothing needs a
// spreadsheet. The transaction also stores the directory, so that none comes after the source was
// erased; then the error is fault.NotFound.
func (p *Puller) Set(ctx context.Context, tag store.Tag, c Change) (Setting, error) {
	if err := c.check(); err != nil {
		return Setting{}, err
	}
	var s Setting
	_, err := p.c.Store.ChangeDirectory(ctx, func(d *store.Directory) ([]table.Write, error) {
		if _, there := d.ByTag(tag); !there {
			return nil, errNoSource()
		}
		var err error
		if s, err = p.Setting(ctx, tag); err != nil && (fault.CodeOf(err) != codeNone || c.Spreadsheet == nil) {
			return nil, err
		}
		if err := s.change(c, p.c.Now()); err != nil {
			return nil, err
		}
		d.SetPulls(tag)
		w, err := s.write(tag)
		return []table.Write{w}, err
	})
	return s, err
}

func (s *Setting) change(c Change, now time.Time) error {
	if c.Spreadsheet != nil && s.System != nil {
		return fault.New(fault.Conflict, CodeElsewhere, "This data source pulls from "+s.System.Name+". Make another data source for the spreadsheet.")
	}
	if c.Spreadsheet != nil {
		id, err := sheets.ID(*c.Spreadsheet)
		if err != nil {
			return err
		}
		s.Spreadsheet = id
	}
	if s.System != nil && s.System.Disconnected && c.Every != nil && *c.Every > 0 {
		return errDisconnected()
	}
	if c.Every != nil && *c.Every != s.Every {
		s.Every, s.Next = *c.Every, time.Time{}
		if s.Every > 0 {
			s.Next = now.UTC().Add(s.Every)
		}
	}
	if c.MaxChanged != nil {
		s.MaxChanged = c.MaxChanged
	}
	if c.MaxRemoved != nil {
		s.MaxRemoved = c.MaxRemoved
	}
	return nil
}

func errNoSource() error {
	return fault.New(fault.NotFound, "source_not_found", "there is no such data source")
}

// history is what the earlier pulls of a source have left.
type history struct {
	last    *job.Job // the latest
	running *job.Job // that has not ended
	waiting *job.Job // whose plan waits for a yes; not one of a single customer
	one     *job.Job // of a single customer, whose plan waits for a yes
	applied *job.Job // that was done last, and had something to read; not one of a single customer
	raw     *job.Job // that has read all of a billing system last, whatever became of it
}

// history reads the jobs that a setting names.
func (p *Puller) history(ctx context.Context, s Setting) (h history, err error) {
	for _, id := range slices.Compact([]string{s.Last, s.Waiting, s.One, s.Applied, s.Raw}) {
		if id == "" {
			continue
		}
		j, err := p.c.Ledger.Get(ctx, id)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return h, err
		}
		h.see(j)
	}
	return h, nil
}

// see notes what a pull has left.
func (h *history) see(j *job.Job) {
	if newer(j, h.last) {
		h.last = j
	}
	if j.Status.Ended() && j.HasRaw() && newer(j, h.raw) {
		h.raw = j
	}
	switch {
	case !j.Status.Ended():
		h.running = j
	case j.Status == job.Planned && j.Import.Pull.Customer != "":
		if newer(j, h.one) {
			h.one = j
		}
	case j.Status == job.Planned && newer(j, h.waiting):
		h.waiting = j
	case j.Status == job.Done && !j.Import.Pull.Unchanged && j.Import.Pull.Customer == "" && newer(j, h.applied):
		h.applied = j
	}
}

// newer reports whether a job was made after another one, or there is no other one.
func newer(j, than *job.Job) bool { return than == nil || j.ID > than.ID }

func idOf(j *job.Job) string {
	if j == nil {
		return ""
	}
	return j.ID
}
