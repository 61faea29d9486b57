package puller

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"time"

	"reseed/pkg/credentials"
	"reseed/pkg/fault"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/source/sheets"
	"reseed/pkg/source/system"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Config is what New needs to make a Puller.
type Config struct {
	Store    *store.Store
	Ledger   *job.Ledger
	Objects  *objects.Objects
	Importer *importer.Importer
	// Sheets reads spreadsheets. It is nil in processes that only begin pulls, and never call Handle.
	Sheets sheets.Reader
	// Address is whom to share spreadsheets with, where Sheets is nil; it may be empty.
	Address string
	// System finds a billing system by its name, in any case; nil: there are none.
	System func(name string) (system.System, bool)
	// Vault keeps the credentials of billing systems. It is nil in processes that may not see them.
	Vault credentials.Vault
	// Base returns the address in place of the usual one of a billing system; "" is the usual one. nil: always.
	Base func(system string) string
	Now  func() time.Time
	Log  *slog.Logger
}

// Puller pulls spreadsheets and billing systems. It is safe for concurrent use.
type Puller struct{ c Config }

// New makes a Puller. It makes no call.
func New(c Config) *Puller { return &Puller{c} }

// With returns the same Puller with a reader of spreadsheets.
func (p *Puller) With(r sheets.Reader) *Puller {
	c := p.c
	c.Sheets = r
	return New(c)
}

// Message asks a worker to go on with a pull.
type Message struct {
	Job    string `json:"job"`
	Source string `json:"-"` // see importer.Message
}

// ShareWith is the e-mail address to share spreadsheets with; empty if this process does not know it.
func (p *Puller) ShareWith() string {
	if p.c.Sheets != nil {
		return p.c.Sheets.Address()
	}
	return p.c.Address
}

// Request says how to pull.
type Request struct {
	Plan      bool   // stop before any row is written
	Customer  string // of a billing system: external id of the one customer that is pulled; empty: all
	Reprocess bool   // of a billing system: map what the latest pull of all has read anew, and read nothing
	By        string // who asks
	// people are not told how it ends, or that it waits
	Quiet bool
	// a schedule asks, and nobody looks at the pull
	Unwatched bool
}

// Codes of errors.
const (
	CodeRunning      = "pull_running"   // the source is being pulled already
	CodeNotForSheets = "not_for_sheets" // only billing systems can be pulled so
	CodePullNeeded   = "pull_needed"    // there is nothing to reprocess
)

// Start begins a pull of a source. The error is fault.Conflict, code [CodeRunning], if one runs
// already or waits for its turn, code no_spreadsheet if the source pulls from nothing, and code
// [CodeNotForSheets] or [CodePullNeeded] if it can't be pulled like this; fault.NotFound if there is no
// such source.
func (p *Puller) Start(ctx context.Context, uuid string, r Request) (*job.Job, error) {
	for {
		dir, err := p.c.Store.Directory(ctx)
		if err != nil {
			return nil, err
		}
		src, there := dir.ByUUID(uuid)
		if !there {
			return nil, errNoSource()
		}
		s, err := p.Setting(ctx, src.Tag)
		if err != nil {
			return nil, err
		}
		j, err := p.start(ctx, dir, src, s, r)
		if !fault.Is(err, fault.Conflict) || fault.CodeOf(err) == CodeRunning {
			return j, err
		}
		now, readErr := p.c.Store.Directory(ctx)
		if readErr != nil {
			return nil, readErr
		}
		is, readErr := p.Setting(ctx, src.Tag)
		if readErr != nil || now.Version == dir.Version && is.Version == s.Version {
			return nil, err
		}
	}
}

// start begins a pull, if neither the directory nor the setting has changed since they were read.
func (p *Puller) start(ctx context.Context, dir *store.Directory, src store.Source, s Setting, r Request) (*job.Job, error) {
	h, err := p.history(ctx, s)
	if err != nil {
		return nil, err
	}
	if h.running != nil {
		return nil, fault.Newf(fault.Conflict, CodeRunning, "A pull of this data source is under way: %s. When it has ended, start another one.", h.running.ID)
	}
	if err := r.fits(s, h); err != nil {
		return nil, err
	}
	how, err := p.whole(ctx, s)
	if err != nil {
		return nil, err
	}
	ground, err := p.ground(ctx, dir, src, how)
	if err != nil {
		return nil, err
	}
	spec := &job.PullSpec{
		Spreadsheet: s.Spreadsheet, Unwatched: r.Unwatched, MaxChanged: s.Changed(), Replaces: idOf(h.waiting), ReplacesOne: idOf(h.one), Applied: idOf(h.applied), Ground: ground, Before: s.Last,
	}
	if r.Customer != "" { // what it shows of the others still holds
		spec.Replaces = ""
	}
	if h.applied != nil {
		spec.Had = h.applied.Import.Datasets
	}
	j := &job.Job{ID: p.c.Ledger.NewID(), Quiet: r.Quiet, Import: &job.ImportSpec{
		Files: []job.File{}, Origin: job.ByPull, By: r.By, Mode: job.Replace, Plan: r.Plan, MaxRemoved: how.Removed(), Datasets: []string{job.Unread}, Pull: spec,
	}}
	if s.System != nil {
		s.System.pull(j.Import, r, h)
	}
	if r.Unwatched {
		j.Scheduled = job.ScheduledAfter(h.last)
	}
	s.Last, s.Waiting, s.One, s.Applied, s.Raw, s.Skipped = j.ID, idOf(h.waiting), idOf(h.one), idOf(h.applied), idOf(h.raw), 0
	s.Next = s.after(p.c.Now(), r)
	write, err := s.write(src.Tag)
	if err != nil {
		return nil, err
	}
	hold, err := dir.Hold()
	if err != nil {
		return nil, err
	}
	return p.c.Importer.Pull(ctx, src, j, hold, write)
}

// after is when the next pull is due, if one begins now. One that somebody asks for does not move the
// schedule.
func (s Setting) after(now time.Time, r Request) time.Time {
	if !r.Unwatched || s.Every <= 0 {
		return s.Next
	}
	return now.UTC().Add(s.Every)
}

// ground tells, as a digest, what decides besides the spreadsheet and the stored rows what a pull
// does.
func (p *Puller) ground(ctx context.Context, dir *store.Directory, src store.Source, s Setting) (string, error) {
	erased, err := dir.Erased(src)
	if err != nil {
		return "", err
	}
	if s.System != nil { // see reprocess
		return digest(erased)
	}
	readings, err := p.c.Importer.Readings(ctx, src.Tag)
	if err != nil {
		return "", err
	}
	return digest(readings, erased, s.Spreadsheet, s.MaxChanged, s.MaxRemoved)
}

// digest tells values from others.
func digest(values ...any) (string, error) {
	text, err := json.Marshal(values)
	if err != nil {
		return "", fault.Wrap(err, fault.Internal, "pulls", "describe what a pull rests on")
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:12]), nil
}

// BySchedule is the By of pulls that a schedule begins.
const BySchedule = "schedule"

// Tick starts the pulls that are due. One that is due while another one of its source runs is skipped,
// and counted. An error of one source does not keep the others from being pulled.
func (p *Puller) Tick(ctx context.Context) error {
	dir, err := p.c.Store.Directory(ctx)
	if err != nil {
		return err
	}
	for item, err := range p.c.Store.Items(ctx, all()) {
		if err != nil {
			return err
		}
		tag, ok := store.PullOf(item.SK)
		src, there := dir.ByTag(tag)
		if !ok || !there { // it is erased, and may be restored
			continue
		}
		s, err := decode(item.Attrs)
		if err == nil && s.Every > 0 && !p.c.Now().Before(s.Next) {
			err = p.due(ctx, src, s)
		}
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			p.c.Log.ErrorContext(ctx, "a pull that is due could not be started", "source", src.UUID, "error", err.Error())
		}
	}
	return nil
}

func all() table.Query {
	return table.Query{PK: store.PullsPK, From: store.PullKey(0).SK, To: store.PullKey(store.MaxTag + 1).SK}
}

// All returns what each source pulls from. Sources that pull from nothing are not there.
func (p *Puller) All(ctx context.Context) (map[store.Tag]Setting, error) {
	found := map[store.Tag]Setting{}
	for item, err := range p.c.Store.Items(ctx, all()) {
		if err != nil {
			return nil, err
		}
		tag, ok := store.PullOf(item.SK)
		if !ok {
			continue
		}
		if found[tag], err = decode(item.Attrs); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (p *Puller) due(ctx context.Context, src store.Source, s Setting) error {
	_, err := p.Start(ctx, src.UUID, Request{By: BySchedule, Unwatched: true})
	if fault.CodeOf(err) != CodeRunning {
		return err
	}
	s.Skipped++
	s.Next = p.c.Now().UTC().Add(s.Every)
	write, err := s.write(src.Tag)
	if err != nil {
		return err
	}
	if err = p.c.Store.Transact(ctx, write); fault.Is(err, fault.Conflict) {
		return nil // the pull ended, or another tick has counted it
	}
	return err
}

// Status is what a source pulls from, and how that goes.
type Status struct {
	Setting

	ShareWith string
	Latest    *job.Job // nil before the first pull
}

// Status returns how the pulls of a source go.
func (p *Puller) Status(ctx context.Context, tag store.Tag) (Status, error) {
	s, err := p.Setting(ctx, tag)
	if err == nil {
		s, err = p.whole(ctx, s)
	}
	if err != nil {
		return Status{}, err
	}
	st := Status{Setting: s, ShareWith: p.ShareWith()}
	if s.Last == "" {
		return st, nil
	}
	if st.Latest, err = p.c.Ledger.Get(ctx, s.Last); fault.Is(err, fault.NotFound) {
		err = nil
	}
	return st, err
}
