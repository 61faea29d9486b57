package mover

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
)

// End is one end of a move.
type End struct {
	Store   *store.Store
	Objects *objects.Objects
	Name    string // for people; it is stored at both ends, and answers to requests name it
}

// Config says what moves where. All fields must be set.
type Config struct {
	From, To End
	// Settle is how long a request may still write with the directory that it read before the source
	// was closed; 0 if no other process can have the source open.
	Settle time.Duration
	Now    func() time.Time
	Report func(Progress) // called when a stage begins and whenever it has got on, never twice at a time
}

// Progress says what a move does at the moment.
type Progress struct {
	Stage    Stage
	Items    int64 // copied; those of the last seconds may have to be copied again after a kill
	Objects  int64 // copied, or there already
	Compared int64 // items of the target and objects
}

// Stage is a part of a move.
type Stage string

// The stages of a move.
const (
	Closing   Stage = "closing"   // the source, for everybody else
	Items     Stage = "items"     // are copied
	Objects   Stage = "objects"   // are copied
	Verifying Stage = "verifying" // that both ends hold the same
)

// Result is what a move has brought to the target.
type Result struct {
	Items, Objects int64 // at the target, with the directory
	LeftOut        int   // files in the folder of the source that are no plain files
}

type mover struct {
	Config
	source, target *store.Mark

	telling  sync.Mutex // guards progress
	progress Progress
}

// Move moves the account, or goes on with the same move if it was cut. The errors that only this
// function returns are fault.Conflict with these codes: target_not_empty; job_open, if a job waits
// or runs at the source; already_moved; moved_elsewhere, if the source is moving to another target;
// move_elsewhere, if another process works on the account; not_the_same, if the two ends differ after
// everything was copied.
func Move(ctx context.Context, c Config) (Result, error) {
	m := &mover{Config: c}
	if err := m.begin(ctx); err != nil {
		return Result{}, err
	}
	if !m.source.Done {
		if err := m.copyItems(ctx); err != nil {
			return Result{}, err
		}
		if err := m.copyObjects(ctx); err != nil {
			return Result{}, err
		}
	}
	r, err := m.verify(ctx)
	if err != nil {
		return Result{}, err
	}
	if !m.source.Done {
		m.source.Done = true
		if err := c.From.Store.KeepMark(ctx, m.source); err != nil {
			return Result{}, err
		}
	}
	return r, c.To.Store.Deliver(ctx, m.source, m.target)
}

// Cancel takes the source of a move that is not done into use again. What the target holds by then
// stays there. The error is fault.Conflict, code nothing_to_cancel, if there is no such move.
func Cancel(ctx context.Context, st *store.Store) error {
	m, err := st.Mark(ctx)
	switch {
	case err != nil:
		return err
	case m == nil:
		return fault.New(fault.Conflict, "nothing_to_cancel", "no move of this account is under way")
	case m.Arriving:
		return fault.Newf(fault.Conflict, "nothing_to_cancel", "this is the target of a move, which is cancelled where it comes from (%s); what has arrived here can be deleted then", m.From)
	case m.Done:
		return fault.Newf(fault.Conflict, "nothing_to_cancel", "the move to %s is done, and the account may have changed there since; to have it here again, move it back from there, to an empty target", m.To)
	}
	return st.Reopen(ctx, m)
}

// begin brings both ends into the state in which items are copied.
func (m *mover) begin(ctx context.Context) (err error) {
	m.report(Closing)
	if m.source, err = m.From.Store.Mark(ctx); err != nil {
		return err
	}
	if m.target, err = m.To.Store.Mark(ctx); err != nil {
		return err
	}
	switch s := m.source; {
	case s == nil:
		err = m.close(ctx)
	case s.Arriving:
		err = fault.Newf(fault.Conflict, "moved_elsewhere", "a move from %s to the source is not complete: it has to end first", s.From)
	case m.target != nil && m.target.ID == s.ID:
	case s.Done && m.target == nil:
		err = fault.Newf(fault.Conflict, "already_moved", "this account was moved to %s already", s.To)
	case m.target != nil && !s.Begun:
		err = store.NotEmpty()
	case s.Begun:
		err = fault.Newf(fault.Conflict, "moved_elsewhere", "this account is moving to another target, %s: go on with that, or cancel it (--cancel)", s.To)
	}
	if err != nil || m.source.Begun {
		return err
	}
	return m.open(ctx)
}

// close puts the mark into the source, if there is something to move and the target can take it.
func (m *mover) close(ctx context.Context) (err error) {
	if err := m.noJobs(ctx); err != nil {
		return err
	}
	if err := m.empty(ctx); err != nil {
		return err
	}
	m.source, err = m.From.Store.Seal(ctx, store.Mark{ID: strings.ToLower(rand.Text()), From: m.From.Name, To: m.To.Name})
	return err
}

// noJobs refuses a source where a job waits or runs. Plans have ended in this sense, and erases in
// their grace periods begin where they are then.
func (m *mover) noJobs(ctx context.Context) error {
	open, err := job.NewLedger(m.From.Store, m.Now).Open(ctx)
	if err != nil {
		return err
	}
	for _, j := range open {
		if j.Status != job.Grace {
			return fault.Newf(fault.Conflict, "job_open", "job %s is %s: let it end, or cancel it, and repeat the move", j.ID, j.Status)
		}
	}
	return nil
}

// empty refuses a target that holds something.
func (m *mover) empty(ctx context.Context) error {
	if m.target != nil {
		return store.NotEmpty()
	}
	if err := m.To.Store.CanReceive(ctx); err != nil {
		return err
	}
	for _, err := range m.To.Objects.List(ctx, "") {
		if err != nil {
			return err
		}
		return store.NotEmpty()
	}
	return nil
}

// open waits until nobody writes to the source any more, and puts the mark into the target. If a job
// was begun at the last moment, it takes the source into use again.
func (m *mover) open(ctx context.Context) error {
	if err := settle(ctx, m.Settle); err != nil {
		return err
	}
	if err := m.noJobs(ctx); err != nil {
		if fault.Is(err, fault.Conflict) {
			if opening := m.From.Store.Reopen(ctx, m.source); opening != nil {
				return opening
			}
		}
		return err
	}
	if m.target == nil {
		if err := m.empty(ctx); err != nil {
			return err
		}
		var err error
		if m.target, err = m.To.Store.Receive(ctx, *m.source); err != nil {
			return err
		}
	}
	m.source.Begun = true
	return m.From.Store.KeepMark(ctx, m.source)
}

func settle(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// report says that a stage begins.
func (m *mover) report(s Stage) { m.tell(func(p *Progress) { p.Stage = s }) }

// tell notes how far the move is, and reports it.
func (m *mover) tell(note func(*Progress)) {
	m.telling.Lock()
	defer m.telling.Unlock()
	note(&m.progress)
	m.Report(m.progress)
}
