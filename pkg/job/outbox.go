package job

import (
	"context"
	"maps"
	"slices"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/later"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// The outbox holds a message for each job that has ended, or has come to wait as a plan, and that
// people have not been told of. The transaction that ends the job puts it there. A message names the
// job and nothing else: what people read is made from the job when it is sent. Once it is settled, it
// is taken out of the outbox, and the job says what became of it.

// Message is what people are told of a job once.
type Message struct {
	Job   string    `json:"job"`
	About About     `json:"about"`
	Made  time.Time `json:"made"`
	// How far it has come on each way to people, such as mail, by the name of the way. A way that
	// nobody has looked at yet is not there.
	Ways    map[string]Delivery `json:"ways,omitempty"`
	Version int64               `json:"-"` // of the stored item
	Later   later.Fields        `json:"-"`
}

// ID identifies a message. It is the same for all copies of the message, on every way.
func (m *Message) ID() string { return m.Job + "-" + string(m.About) }

// Result is what became of a delivery.
type Result string

// The results. A delivery without one goes on.
const (
	Sent      Result = "sent"      // the other side has taken it
	GivenUp   Result = "given up"  // the other side did not take it for so long, or does not want any
	Unset     Result = "unset"     // the settings say nowhere to send it to
	Overtaken Result = "overtaken" // the job went on before people could be told that it waits
)

// Delivery is how far a message has come on one way.
type Delivery struct {
	Tries  int       `json:"tries,omitempty"` // that were begun
	Next   time.Time `json:"next,omitzero"`   // when another try may begin; while one goes on, when it counts as dead
	By     string    `json:"by,omitempty"`    // the process whose try goes on
	Why    string    `json:"why,omitempty"`   // the last try failed; a sentence without values
	Result Result    `json:"result,omitempty"`
	At     time.Time `json:"at,omitzero"` // of the result
}

// message returns the write that puts the message about a job into the outbox; none if people are not
// told.
func (l *Ledger) message(j *Job) ([]table.Write, error) {
	about := j.about()
	if about == "" {
		return nil, nil
	}
	item, err := encodeMessage(&Message{Job: j.ID, About: about, Made: l.now().UTC(), Version: 1})
	return []table.Write{{Item: item}}, err
}

func encodeMessage(m *Message) (table.Item, error) {
	return encode(m.key(), m.Version, m)
}

// key is where a message is stored.
func (m *Message) key() table.Key {
	if m.About == AboutTest {
		return store.TestMailKey()
	}
	return store.OutboxKey(m.Job, string(m.About))
}

func decodeMessage(a table.Attrs) (*Message, error) {
	m := &Message{}
	if err := later.Unmarshal([]byte(a.Str(attrBody)), m); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "ledger", "read a message of the outbox")
	}
	m.Version, _ = a.Int(store.AttrVersion)
	return m, nil
}

// Outbox returns the messages that are not settled, those of older jobs first.
func (l *Ledger) Outbox(ctx context.Context) ([]*Message, error) {
	var all []*Message
	for item, err := range l.st.Items(ctx, store.Outbox()) {
		if err != nil {
			return nil, err
		}
		m, err := decodeMessage(item.Attrs)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	test, err := l.Test(ctx)
	if test != nil && !test.settled() {
		all = append(all, test)
	}
	return all, err
}

// Ready tells whether a try to deliver a message on a way may begin now. A try that another process has
// begun and not ended is left alone until its lease is over; if this process alone has the table,
// that other process is dead.
func (l *Ledger) Ready(m *Message, way string) bool {
	d := m.Ways[way]
	dead := d.By != "" && d.By != l.instance && l.st.Exclusive()
	return d.Result == "" && (dead || !l.now().Before(d.Next))
}

// Try marks that this process begins to deliver a message on a way, for the time of a lease. It
// returns false if another process was faster.
func (l *Ledger) Try(ctx context.Context, m *Message, way string, lease time.Duration) (bool, error) {
	d := m.Ways[way]
	d.Tries, d.Next, d.By = d.Tries+1, l.now().UTC().Add(lease), l.instance
	return l.deliver(ctx, m, way, d)
}

// Tried marks that the try of this process has ended: with a result, or without one and with the reason
// why, and then the next try begins at next at the earliest. If another process has begun a try since,
// Tried does nothing.
func (l *Ledger) Tried(ctx context.Context, m *Message, way string, result Result, why string, next time.Time) error {
	mine := m.Ways[way]
	for {
		d := mine
		d.Result, d.Why, d.Next, d.By = result, why, next, ""
		if result != "" {
			d.Next, d.At = time.Time{}, l.now().UTC()
		}
		done, err := l.deliver(ctx, m, way, d)
		if done || err != nil {
			return err
		}
		now, err := l.waiting(ctx, m) // another way may have got on meanwhile
		if err != nil || now == nil || now.Ways[way].By != mine.By || now.Ways[way].Tries != mine.Tries {
			return err
		}
		*m = *now
	}
}

// deliver stores how far a message has come on a way. It returns false, and changes nothing, if the
// message has changed meanwhile.
func (l *Ledger) deliver(ctx context.Context, m *Message, way string, d Delivery) (bool, error) {
	next := *m
	next.Version++
	next.Ways = with(maps.Clone(m.Ways), way, d)
	item, err := encodeMessage(&next)
	if err != nil {
		return false, err
	}
	done, err := l.commit(ctx, item, table.Write{Item: item, If: unchanged(m)})
	if done {
		*m = next
	}
	return done, err
}

func with(ways map[string]Delivery, way string, d Delivery) map[string]Delivery {
	if ways == nil {
		ways = map[string]Delivery{}
	}
	ways[way] = d
	return ways
}

// unchanged is the condition that a message is stored as it was read.
func unchanged(m *Message) table.Cond {
	return table.Cond{Op: table.Equals, Attr: store.AttrVersion, N: m.Version}
}

// Settle takes a message out of the outbox, and notes at its job what became of it, in one
// transaction. ended are the results on ways that nothing was tried on. If the message has changed
// meanwhile, Settle does nothing.
func (l *Ledger) Settle(ctx context.Context, m *Message, ended map[string]Result) error {
	told := *m
	told.Ways = maps.Clone(m.Ways)
	for way, result := range ended {
		told.Ways = with(told.Ways, way, Delivery{Tries: m.Ways[way].Tries, Result: result, At: l.now().UTC()})
	}
	gone := table.Write{Item: table.Item{Key: m.key()}, Delete: true, If: unchanged(m)}
	for {
		_, note, err := l.changed(ctx, m.Job, func(j *Job) error {
			j.Told = append(slices.DeleteFunc(j.Told, func(t Message) bool { return t.About == m.About }), told)
			return nil
		})
		if err != nil {
			return err
		}
		done, err := l.commit(ctx, note.Item, note, gone)
		if err != nil || done {
			return err
		}
		now, err := l.waiting(ctx, m)
		if err != nil || now == nil || now.Version != m.Version {
			return err
		}
	}
}

// waiting reads a message anew; nil if it is not in the outbox any more.
func (l *Ledger) waiting(ctx context.Context, m *Message) (*Message, error) {
	stored, err := l.st.Get(ctx, m.key())
	if err != nil || len(stored) == 0 {
		return nil, err
	}
	return decodeMessage(stored[0].Attrs)
}

// Messages returns what people were told of a job, and what they are still to be told.
func (l *Ledger) Messages(ctx context.Context, j *Job) ([]Message, error) {
	if j.Quiet || !j.Status.Ended() {
		return j.Told, nil
	}
	stored, err := l.st.Get(ctx, store.OutboxKey(j.ID, string(AboutWaiting)), store.OutboxKey(j.ID, string(AboutEnd)))
	if err != nil {
		return nil, err
	}
	all := slices.Clone(j.Told)
	for _, item := range stored {
		m, err := decodeMessage(item.Attrs)
		if err != nil {
			return nil, err
		}
		all = append(all, *m)
	}
	return all, nil
}
