package job

import (
	"context"

	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// The account has at most one test message. It stays where it is, with what became of it, until the
// next one takes its place. Older versions do not look there.

// PutTest puts a test message into the outbox, in the place of the one before.
func (l *Ledger) PutTest(ctx context.Context) (*Message, error) {
	for {
		was, err := l.Test(ctx)
		if err != nil {
			return nil, err
		}
		m, is := &Message{Job: l.NewID(), About: AboutTest, Made: l.now().UTC(), Version: 1}, table.Cond{Op: table.Absent}
		if was != nil {
			m.Version, is = was.Version+1, unchanged(was)
		}
		item, err := encodeMessage(m)
		if err != nil {
			return nil, err
		}
		err = l.st.Transact(ctx, table.Write{Item: item, If: is})
		if !fault.Is(err, fault.Conflict) {
			return m, err
		}
	}
}

// Test returns the latest test message; nil if there is none.
func (l *Ledger) Test(ctx context.Context) (*Message, error) {
	stored, err := l.st.Get(ctx, store.TestMailKey())
	if err != nil || len(stored) == 0 {
		return nil, err
	}
	return decodeMessage(stored[0].Attrs)
}

// settled tells whether each way that was tried has a result.
func (m *Message) settled() bool {
	for _, d := range m.Ways {
		if d.Result == "" {
			return false
		}
	}
	return len(m.Ways) > 0
}
