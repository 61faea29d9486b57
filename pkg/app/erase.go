package app

import (
	"context"
	"time"

	"reseed/pkg/eraser"
	"reseed/pkg/fault"
	"reseed/pkg/job"
)

// EraseSource is the input of the function delete-source.
type EraseSource struct {
	// source (if empty), content, dependent, customer, customer-invoices, invoice, import
	Selection string `json:"selection"`
	Source    string `json:"source"` // name or uuid; for the first three selections, and with external_id
	ID        string `json:"id"`     // public id, or the id of the import's job; for the others
	// of a customer, instead of an id: then its record need not exist
	ExternalID string `json:"external_id"`
	KeepEdits  *bool  `json:"keep_edits"`
	Forget     bool   `json:"forget"`
	Grace      string `json:"grace"` // a duration such as 72h
	DryRun     bool   `json:"dry_run"`
	Mail       *bool  `json:"mail"` // false: nobody is told when it is done
}

// EraseManual is the input of the function delete-manual-customers.
type EraseManual struct {
	Grace  string `json:"grace"`
	DryRun bool   `json:"dry_run"`
	Mail   *bool  `json:"mail"` // false: nobody is told when it is done
}

// Erased is the answer of both functions: the plan of a dry run, else the job.
type Erased struct {
	Plan    *eraser.Plan     `json:"plan,omitempty"`
	Job     string           `json:"job,omitempty"`
	Status  job.Status       `json:"status,omitempty"`
	Until   time.Time        `json:"restorable_until,omitzero"`
	Removed map[string]int64 `json:"removed,omitempty"` // by kind, once Status is done
	Receipt *eraser.Receipt  `json:"receipt,omitempty"` // once Status is done
}

// EraseSource erases a source or a part of it. It sweeps until the deadline of ctx; later sweeps do
// the rest. The error is fault.Invalid if no source is named.
func (a *App) EraseSource(ctx context.Context, in EraseSource) (Erased, error) {
	kind := eraser.Kind(in.Selection)
	if kind == "" {
		kind = eraser.Source
	}
	d, err := a.Store.Directory(ctx)
	if err != nil {
		return Erased{}, err
	}
	sel, err := eraser.Select(d, kind, eraser.Names{Source: in.Source, ID: in.ID, ExternalID: in.ExternalID})
	if err != nil {
		return Erased{}, err
	}
	grace, err := ParseGrace(in.Grace)
	if err != nil {
		return Erased{}, err
	}
	return a.erase(ctx, sel, eraser.Options{
		KeepEdits: in.KeepEdits, Forget: in.Forget, Grace: grace, By: "function delete-source", Quiet: quiet(in.Mail),
	}, in.DryRun)
}

// EraseManual erases all manual customers with all that belongs to them. It sweeps until the
// deadline of ctx; later sweeps do the rest.
func (a *App) EraseManual(ctx context.Context, in EraseManual) (Erased, error) {
	grace, err := ParseGrace(in.Grace)
	if err != nil {
		return Erased{}, err
	}
	return a.erase(ctx, eraser.Selection{Kind: eraser.ManualCustomers},
		eraser.Options{Grace: grace, By: "function delete-manual-customers", Quiet: quiet(in.Mail)}, in.DryRun)
}

func quiet(mail *bool) bool { return mail != nil && !*mail }

// ParseGrace reads a grace period such as 72h. For an empty text it returns nil: the deployment's
// setting.
func ParseGrace(text string) (*time.Duration, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // not given
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return nil, &fault.Error{Kind: fault.Invalid, Code: "bad_selection", Param: "grace", Message: "a grace period is a duration such as 72h or 30m"}
	}
	return &d, nil
}

func (a *App) erase(ctx context.Context, sel eraser.Selection, opt eraser.Options, dryRun bool) (Erased, error) {
	if dryRun {
		p, err := a.Eraser.Plan(ctx, sel, opt)
		return Erased{Plan: p}, err
	}
	j, err := a.Eraser.Start(ctx, sel, opt)
	if err != nil {
		return Erased{}, err
	}
	id := j.ID
	if j.Status == job.Running {
		// the selection is hidden already, and the tick goes on with the sweep
		if _, err := a.Eraser.Sweep(ctx, id); err != nil {
			a.Log.WarnContext(ctx, "a sweep stopped", "job", id, "code", fault.CodeOf(err), "error", err.Error())
		}
	}
	if j, err = a.Ledger.Get(ctx, id); err != nil {
		return Erased{}, err
	}
	answer := Erased{Job: id, Status: j.Status, Until: j.Erase.Until}
	if j.Status != job.Done {
		return answer, nil
	}
	answer.Removed = j.Erase.Removed
	receipt, err := eraser.ReceiptOf(j)
	answer.Receipt = &receipt
	return answer, err
}
