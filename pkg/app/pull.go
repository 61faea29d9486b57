package app

import (
	"context"

	"reseed/pkg/fault"
	"reseed/pkg/puller"
)

// PullInvocation is the event with which people and schedulers begin a pull of one source, and the API
// gives an order.
type PullInvocation struct {
	Source string        `json:"source,omitempty"` // name or uuid
	Plan   bool          `json:"plan,omitempty"`
	Order  *puller.Order `json:"order,omitempty"` // in place of a pull
}

// Begun is the answer to it.
type Begun struct {
	Outcome *puller.Outcome `json:"outcome,omitempty"` // of the order
	Job     string          `json:"job,omitempty"`
	Status  string          `json:"status,omitempty"`
	Problem string          `json:"problem,omitempty"` // why no pull was begun; asking again does not help
}

// PullSource begins a pull, or carries out an order.
func (a *App) PullSource(ctx context.Context, in PullInvocation) (Begun, error) {
	if in.Order != nil {
		out := puller.OutcomeOf(a.Puller.Do(ctx, *in.Order))
		return Begun{Outcome: &out}, nil
	}
	dir, err := a.Store.Directory(ctx)
	if err != nil {
		return Begun{}, err
	}
	src, err := find(dir, in.Source)
	if err == nil {
		j, startErr := a.Puller.Start(ctx, src.UUID, puller.Request{Plan: in.Plan, By: "invocation"})
		if startErr == nil {
			return Begun{Job: j.ID, Status: string(j.Status)}, nil
		}
		err = startErr
	}
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Conflict) {
		return Begun{Problem: err.Error()}, nil
	}
	return Begun{}, err
}
