package paypal

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/source/remote"
	"reseed/pkg/source/system"
)

// row is a transaction that the search has found.
type row struct {
	Info  json.RawMessage `json:"transaction_info"`
	Payer struct {
		ID string `json:"account_id"`
	} `json:"payer_info"`
}

// info is what the reader looks at.
type info struct {
	ID        string `json:"transaction_id"`
	Code      string `json:"transaction_event_code"`
	Reference string `json:"paypal_reference_id"`
	Kind      string `json:"paypal_reference_id_type"`
}

// found is a page of the search.
type found struct {
	envelope

	Rows    elements[row] `json:"transaction_details"`
	Account string        `json:"account_number"`
	Pages   int           `json:"total_pages"`
}

// search reads a page of the search for transactions, and keeps what was given back of payments. If too much is found, the span of time is halved;
// nothing of the refused search counts.
func (r *reader) search(ctx context.Context, c cursor) (system.Page, cursor, error) {
	p := system.Page{Stream: Events}
	got, c, err := r.find(ctx, c)
	if err != nil {
		return p, c, err
	}
	here := cursorPlace{c.From, c.Page}
	for _, row := range got.Rows {
		var i info
		if json.Unmarshal(row.Info, &i) != nil || i.ID == "" {
			return p, c, r.noPage("transactions")
		}
		switch {
		case c.Unlisted && i.Kind == "SUB" && r.firstSeen(c.Until, i.Reference, here):
			c.Pending = append(c.Pending, i.Reference)
		case back(i) && (c.Customer == "" || row.Payer.ID == c.Customer):
			text, err := json.Marshal(map[string]json.RawMessage{"transaction_info": row.Info})
			if err != nil {
				return p, c, err
			}
			if err := r.put(&p, Events, "", text); err != nil {
				return p, c, err
			}
		}
	}
	slices.Sort(c.Pending)
	c.Pending = slices.Compact(c.Pending)
	if c.Page < got.Pages {
		c.Page++
		return p, c, nil
	}
	return p, c.window(), nil
}

// back reports whether a row is money of a payment that was given back, or its return. Events T11 are refunds and reversals, T12 are
// adjustments such as chargebacks.
func back(i info) bool {
	return i.Kind == "TXN" && (strings.HasPrefix(i.Code, "T11") || strings.HasPrefix(i.Code, "T12"))
}

// firstSeen reports whether no earlier page of the pull has named a subscription, as far as this process knows: one that began in mid-pull reads
// some of them twice.
func (r *reader) firstSeen(pull int64, id string, here cursorPlace) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seenAt == nil || r.pull != pull {
		r.pull, r.seenAt = pull, map[string]cursorPlace{}
	}
	if _, named := slices.BinarySearch(r.named, id); named {
		return false
	}
	at, seen := r.seenAt[id]
	if !seen {
		r.seenAt[id] = here
		return true
	}
	return !at.before(here)
}

// find searches in the window of a cursor, or in a shorter one, if that holds too much.
func (r *reader) find(ctx context.Context, c cursor) (found, cursor, error) {
	for {
		size := r.most
		if c.Unlisted {
			size = min(size, foundSize) // the cursor holds what is found
		}
		var got found
		err := r.get(ctx, searchFor(c.From, c.To, c.Page, size), &got)
		e, _ := errors.AsType[*remote.Error](err)
		switch {
		case e != nil && e.Reason == reasonTooNew:
			return found{}, c, nil
		case e != nil && e.Reason == reasonTooLarge && c.From == c.To:
			return found{}, c, r.client.Unexpected("it has too many transactions of one second to find them all. Ask for help")
		case e != nil && e.Reason == reasonTooLarge:
			c.To, c.Page = c.From+(c.To-c.From)/2, 1
		case err != nil:
			return found{}, c, err
		case got.Rows == nil && got.Links == nil:
			return found{}, c, r.noPage("transactions")
		default:
			return got, c, nil
		}
	}
}

func searchFor(from, to int64, page, size int) remote.Request {
	return remote.Request{Path: "/v1/reporting/transactions", Query: url.Values{
		"start_date": {stamp(from)}, "end_date": {stamp(to)}, "fields": {"transaction_info,payer_info"}, "balance_affecting_records_only": {"Y"},
		"page_size": {strconv.Itoa(size)}, "page": {strconv.Itoa(page)},
	}}
}

// window moves on to the next span of time, which is twice as long as the last one, or to the end.
func (c cursor) window() cursor {
	if c.To >= c.Until {
		c.Ended, c.Done = true, len(c.Pending) == 0
		return c
	}
	long := min(2*(c.To-c.From+1), int64(window/time.Second))
	c.From, c.Page = c.To+1, 1
	c.To = min(c.From+long, c.Until)
	return c
}

// Check finds out whose app it is, and whether it may read all that is read. The error is fault.Forbidden, code [CodePermission], or
// one of package remote.
func (r *reader) Check(ctx context.Context) (system.Account, error) {
	var missing []string
	see := func(err error, what string) error {
		if e, ok := errors.AsType[*remote.Error](err); ok && e.Status == http.StatusForbidden {
			missing = append(missing, what)
			return nil
		}
		return err
	}
	var plans envelope
	err := r.get(ctx, remote.Request{Path: "/v1/billing/plans", Query: url.Values{"page_size": {"1"}}}, &plans)
	if err := see(err, "Subscriptions"); err != nil {
		return system.Account{}, err
	}
	now := r.client.Now().Unix()
	var got found
	err = r.get(ctx, searchFor(now-3*24*60*60, now, 1, 1), &got)
	if err := see(err, "Transaction search"); err != nil {
		return system.Account{}, err
	}
	if len(missing) > 0 {
		return system.Account{}, &fault.Error{
			Kind: fault.Forbidden, Code: CodePermission, Param: askSecret,
			Message: "The app may not read all that is needed. In PayPal's developer dashboard, under Apps & Credentials, switch on in the app: " + strings.Join(missing, ", ") +
				". PayPal may take some hours until it holds.",
		}
	}
	if got.Account == "" {
		return system.Account{}, r.client.Unexpected("its answer does not say whose account it is. Try again later")
	}
	return system.Account{ID: got.Account, Name: got.Account, Live: r.live}, nil
}
