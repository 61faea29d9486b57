package puller

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"reseed/pkg/credentials"
	"reseed/pkg/fault"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/source/system"
)

// CodeIncomplete is the code of the error if a billing system has listed less than it says it has.
const CodeIncomplete = "system_incomplete"

// storing is how much of a function's time a call to a billing system, or a step of mapping, leaves: the page is stored in it, or
// the task is given back.
const storing = 10 * time.Second

// Customers that no list has shown are read one by one.
const (
	mostLookedUp  = 100 // that one page holds
	lookUpsAtOnce = 8
)

// scan is how far a billing system is read. Its pages are objects of the job (see [importer.RawDir]).
type scan struct {
	From     string          `json:"from,omitempty"` // digest of where is read: if that changes, the scan begins anew
	Cursor   json.RawMessage `json:"cursor,omitempty"`
	Pages    int             `json:"pages"`               // raw pages that are stored
	Listed   bool            `json:"listed,omitempty"`    // all lists are read to their ends
	LookedUp string          `json:"looked_up,omitempty"` // the last customer that was looked for, since no list has shown it
	Whole    bool            `json:"whole,omitempty"`     // so are customers that no list has shown
}

// system reads a billing system to its end, and makes files of what it has.
func (r *run) system(ctx context.Context) error {
	s, sys, err := r.connection(ctx)
	if err != nil {
		return err
	}
	if r.job.Import.Pull.Reprocess {
		return r.reprocess(ctx, sys, *s)
	}
	if r.state.Scan == nil || !r.state.Scan.Whole {
		if err := r.refused(ctx, s, r.scan(ctx, sys, *s)); err != nil {
			return err
		}
	}
	return r.makeFiles(ctx, sys, *s, r.job.ID)
}

// connection returns what the job's source is connected with now.
func (r *run) connection(ctx context.Context) (*System, system.System, error) {
	s, err := r.p.Setting(ctx, r.job.Tag)
	if err != nil {
		return nil, nil, err
	}
	if s.System == nil {
		return nil, nil, errNotConnected()
	}
	sys, err := r.p.system(s.System.Name)
	return s.System, sys, err
}

// refused notes in the source that the system refuses its credentials, or that it takes them again.
func (r *run) refused(ctx context.Context, s *System, err error) error {
	bad := fault.Is(err, fault.Forbidden) || fault.CodeOf(err) == CodeOtherAccount || fault.CodeOf(err) == credentials.CodeNone
	if !bad && (err != nil || s.Refused == "") {
		return err
	}
	if noted := r.p.remark(ctx, r.job.Source, *s, err); noted != nil {
		return noted
	}
	return err
}

// scan reads all pages that are not read yet.
func (r *run) scan(ctx context.Context, sys system.System, s System) error {
	from, err := digest(s.Name, s.Place, s.Subscriptions)
	if err != nil {
		return err
	}
	reader, err := r.reader(ctx, sys, s)
	if err != nil {
		return err
	}
	if r.state.Scan == nil || r.state.Scan.From != from {
		if err := r.beginScan(ctx, reader, s, from); err != nil {
			return err
		}
	}
	for {
		for !r.state.Scan.Listed {
			if err := r.nextPage(ctx, reader); err != nil {
				return err
			}
		}
		short := r.short()
		if short == "" {
			break
		}
		if r.state.Attempt >= mostAttempts {
			return fault.Newf(fault.Conflict, CodeIncomplete, "%s: %s That was so %d times in a row, so none of what was read is used. Try again later.", s.Name, short, mostAttempts)
		}
		if err := r.beginScan(ctx, reader, s, from); err != nil {
			return err
		}
	}
	return r.lookUp(ctx, sys, s, reader)
}

// reader makes a reader with the credentials that the source has now.
func (r *run) reader(ctx context.Context, sys system.System, s System) (system.Reader, error) {
	if r.p.c.Vault == nil {
		return nil, fault.New(fault.Internal, CodeNoVault, "this process keeps no credentials")
	}
	kept, err := r.p.c.Vault.Get(ctx, r.job.Source)
	if err != nil {
		return nil, err
	}
	return r.p.open(sys, Connection{System: s.Name, Place: s.Place, Credentials: kept, Subscriptions: &s.Subscriptions})
}

// call makes a call to the system, and stops it in time.
func call[T any](ctx context.Context, r *run, do func(context.Context) (T, error)) (answer T, err error) {
	if err := r.interrupted(ctx); err != nil {
		return answer, err
	}
	return inTime(ctx, do)
}

// inTime does something, and stops it a while before the deadline, so that what is known by then can be stored. Then the error is errStopped.
func inTime[T any](ctx context.Context, do func(context.Context) (T, error)) (answer T, err error) {
	limited, cancel := ctx, context.CancelFunc(func() {})
	if deadline, ok := ctx.Deadline(); ok {
		limited, cancel = context.WithDeadline(ctx, deadline.Add(-storing))
	}
	defer cancel()
	answer, err = do(limited)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		err = errStopped
	}
	return answer, err
}

// beginScan begins a scan, in place of one before. No other account is read than the one that the
// source was connected with.
func (r *run) beginScan(ctx context.Context, reader system.Reader, s System, from string) error {
	a, err := call(ctx, r, reader.Check)
	if err != nil {
		return err
	}
	if err := s.isOf(a); err != nil {
		return err
	}
	if _, err := r.p.c.Objects.DeleteAll(ctx, importer.InputDir(r.job.ID)); err != nil { // of a scan before
		return err
	}
	r.state.Attempt++
	r.state.Pulled, r.state.Streams, r.state.Mapping = 0, nil, nil
	r.state.Scan = &scan{From: from, Cursor: reader.Begin(r.p.c.Now(), r.job.Import.Pull.Customer)}
	return r.save(r.state)
}

// nextPage freezes the page at the cursor, and goes on to the next one.
func (r *run) nextPage(ctx context.Context, reader system.Reader) error {
	sc := r.state.Scan
	page, err := call(ctx, r, func(ctx context.Context) (system.Page, error) { return reader.Page(ctx, sc.Cursor) })
	if err != nil {
		return err
	}
	if err := r.freeze(ctx, page.Objects); err != nil {
		return err
	}
	r.count(page)
	sc.Cursor, sc.Listed = page.Next, page.Done
	r.state.answers()
	return r.save(r.state)
}

// freeze stores a raw page.
func (r *run) freeze(ctx context.Context, list []system.Object) error {
	if len(list) == 0 {
		return nil
	}
	if err := r.raw(r.job.ID).WritePage(ctx, r.state.Scan.Pages, list); err != nil {
		return err
	}
	r.state.Scan.Pages++
	return nil
}

// count adds a page to what is read of its stream. Parts that came with its objects are not counted.
func (r *run) count(page system.Page) {
	at := slices.IndexFunc(r.state.Streams, func(s job.Stream) bool { return s.Name == string(page.Stream) })
	if at < 0 {
		at = len(r.state.Streams)
		r.state.Streams = append(r.state.Streams, job.Stream{Name: string(page.Stream)})
	}
	s := &r.state.Streams[at]
	s.Total = page.Total
	for _, o := range page.Objects {
		if o.Stream == page.Stream {
			s.Done++
			r.state.Pulled++
		}
	}
}

// short says of which stream less was listed than there is; empty if of none. Of one customer the
// system tells no totals.
func (r *run) short() string {
	if r.job.Import.Pull.Customer != "" {
		return ""
	}
	for _, s := range r.state.Streams {
		if s.Done < s.Total {
			return fmt.Sprintf("It has %d %s, and has listed %d.", s.Total, s.Name, s.Done)
		}
	}
	return ""
}

// lookUp freezes the customers that objects name and no list has shown, and ends the scan.
func (r *run) lookUp(ctx context.Context, sys system.System, s System, reader system.Reader) error {
	sc := r.state.Scan
	if err := r.sort(ctx, sys, s); err != nil {
		return err
	}
	for {
		ids, err := r.missing(ctx, sys)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			break
		}
		found, err := call(ctx, r, func(ctx context.Context) ([]system.Object, error) { return customers(ctx, reader, ids) })
		if err != nil {
			return err
		}
		if err := r.freeze(ctx, found); err != nil {
			return err
		}
		sc.LookedUp = ids[len(ids)-1]
		r.state.answers()
		if err := r.save(r.state); err != nil {
			return err
		}
	}
	sc.Whole = true
	return r.sort(ctx, sys, s)
}

// missing lists the next customers to look up.
func (r *run) missing(ctx context.Context, sys system.System) (ids []string, err error) {
	for id, err := range r.bundler(sys, r.job.ID).Missing(ctx) {
		if err != nil {
			return nil, err
		}
		if id <= r.state.Scan.LookedUp {
			continue
		}
		if ids = append(ids, id); len(ids) == mostLookedUp {
			break
		}
	}
	return ids, nil
}

// customers reads customers, in the order of their ids, without those that the system does not know.
func customers(ctx context.Context, reader system.Reader, ids []string) ([]system.Object, error) {
	objects, found := make([]system.Object, len(ids)), make([]bool, len(ids))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(lookUpsAtOnce)
	for i, id := range ids {
		g.Go(func() (err error) {
			objects[i], found[i], err = reader.Customer(ctx, id)
			return err
		})
	}
	err := g.Wait()
	var out []system.Object
	for i, o := range objects {
		if found[i] {
			out = append(out, o)
		}
	}
	return out, err
}

// Named is how people call the account of a connection.
func (s System) Named() string { return cmp.Or(s.Account.Name, s.Account.ID) }
