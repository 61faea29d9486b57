package puller

import (
	"context"
	"errors"

	"reseed/pkg/fault"
	"reseed/pkg/source/system"
)

// Order is what somebody asks of the process that may see credentials, which on AWS is another one than the API. It holds
// secrets: nobody logs or keeps it.
type Order struct {
	Do         What       `json:"do"`
	Source     string     `json:"source,omitempty"` // uuid; not of a check
	Connection Connection `json:"connection,omitzero"`
}

// What is what an [Order] asks for.
type What string

// What can be asked for: [Puller.Check], [Puller.Connect], [Puller.Recheck] and [Puller.Disconnect].
const (
	ToCheck      What = "check"
	ToConnect    What = "connect"
	ToRecheck    What = "recheck"
	ToDisconnect What = "disconnect"
)

// Do carries out an order.
func (p *Puller) Do(ctx context.Context, o Order) (system.Account, error) {
	switch o.Do {
	case ToCheck:
		return p.Check(ctx, o.Connection)
	case ToConnect:
		return p.Connect(ctx, o.Source, o.Connection)
	case ToRecheck:
		return p.Recheck(ctx, o.Source)
	case ToDisconnect:
		return p.Disconnect(ctx, o.Source)
	}
	return system.Account{}, fault.New(fault.Internal, "order", "there is no such order")
}

// Outcome is what became of an order, as one process tells another.
type Outcome struct {
	Account *system.Account `json:"account,omitempty"`
	Problem *Problem        `json:"problem,omitempty"`
}

// Problem is an error as one process tells another.
type Problem struct {
	Kind    fault.Kind `json:"kind"`
	Code    string     `json:"code"`
	Param   string     `json:"param,omitempty"`
	Message string     `json:"message"`
}

// OutcomeOf makes an Outcome of what [Puller.Do] returns.
func OutcomeOf(a system.Account, err error) Outcome {
	if err == nil {
		return Outcome{Account: &a}
	}
	p := &Problem{Kind: fault.KindOf(err), Code: fault.CodeOf(err), Message: err.Error()}
	if e, ok := errors.AsType[*fault.Error](err); ok {
		p.Param = e.Param
	}
	return Outcome{Problem: p}
}

// Result is what OutcomeOf was made of.
func (o Outcome) Result() (system.Account, error) {
	switch {
	case o.Problem != nil:
		return system.Account{}, &fault.Error{Kind: o.Problem.Kind, Code: o.Problem.Code, Param: o.Problem.Param, Message: o.Problem.Message}
	case o.Account == nil:
		return system.Account{}, fault.New(fault.Internal, "order", "an order has no outcome")
	}
	return *o.Account, nil
}
