package line

import (
	"context"
	"strings"

	"reseed/pkg/eraser"
	"reseed/pkg/fault"
	"reseed/pkg/job"
)

// EraseSource is the input of the function delete-source.
type EraseSource struct {
	Source string `json:"source"` // name or uuid
	DryRun bool   `json:"dry_run"`
}

// EraseManual is the input of the function delete-manual-customers.
type EraseManual struct {
	DryRun bool `json:"dry_run"`
}

// Erased is the answer of both: the plan of a dry run, else the job.
type Erased struct {
	Plan    *eraser.Plan     `json:"plan,omitempty"`
	Job     string           `json:"job,omitempty"`
	Status  job.Status       `json:"status,omitempty"`
	Removed map[string]int64 `json:"removed,omitempty"` // by kind, once Status is done
}

// EraseSource erases one source, as far as the time of ctx allows: the rest is
// done by sweeps. No source at all is fault.Invalid.
func (l *Line) EraseSource(ctx context.Context, in EraseSource) (Erased, error) {
	if strings.TrimSpace(in.Source) == "" {
		return Erased{}, &fault.Error{Kind: fault.Invalid, Code: "empty_selection", Param: "source", Message: "name the source to be erased"}
	}
	d, err := l.Store.Directory(ctx)
	if err != nil {
		return Erased{}, err
	}
	src, err := find(d, in.Source)
	if err != nil {
		return Erased{}, err
	}
	return l.erase(ctx, eraser.Selection{Kind: eraser.Source, Source: src.UUID}, in.DryRun)
}

// EraseManual erases every manual customer with all that belongs to them, as far as
// the time of ctx allows: the rest is done by sweeps.
func (l *Line) EraseManual(ctx context.Context, in EraseManual) (Erased, error) {
	return l.erase(ctx, eraser.Selection{Kind: eraser.ManualCustomers}, in.DryRun)
}

func (l *Line) erase(ctx context.Context, sel eraser.Selection, dryRun bool) (Erased, error) {
	if dryRun {
		p, err := l.Eraser.Plan(ctx, sel)
		return Erased{Plan: p}, err
	}
	j, err := l.Eraser.Start(ctx, sel)
	if err != nil {
		return Erased{}, err
	}
	id := j.ID
	if _, err := l.Eraser.Sweep(ctx, id); err != nil { // it is invisible already: a tick goes on
		l.Log.WarnContext(ctx, "a sweep stopped", "job", id, "code", fault.CodeOf(err), "error", err.Error())
	}
	if j, err = l.Ledger.Get(ctx, id); err != nil {
		return Erased{}, err
	}
	answer := Erased{Job: id, Status: j.Status}
	if j.Status.Ended() {
		answer.Removed = j.Erase.Removed
	}
	return answer, nil
}
