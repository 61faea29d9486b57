package store

import (
	"context"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/later"
	"reseed/pkg/table"
)

// Settings are what people have set for the whole account. What is nil is not set: then the
// environment of the processes counts. Neither credentials nor addresses of servers are among them.
type Settings struct {
	Grace      *time.Duration `json:"grace,omitempty"`       // for which an erase can be restored, unless its request says otherwise
	MaxRemoved *int           `json:"max_removed,omitempty"` // percent of a dataset's rows above which a removal waits for a yes
	Mail       *bool          `json:"mail,omitempty"`        // false: nobody gets mail
	MailTo     []string       `json:"mail_to,omitempty"`     // e-mail addresses that get it
	At         time.Time      `json:"at,omitzero"`           // when they were changed last
	By         string         `json:"by,omitempty"`          // who did that

	Version int64        `json:"-"` // of the stored item; 0: nothing was ever set
	Later   later.Fields `json:"-"`
}

// Settings reads the settings of the account.
func (s *Store) Settings(ctx context.Context) (set Settings, err error) {
	found, err := s.Get(ctx, AccountSettingsKey())
	if err != nil || len(found) == 0 {
		return set, err
	}
	if err := later.Unmarshal([]byte(found[0].Attrs.Str(attrBody)), &set); err != nil {
		return set, fault.Wrap(err, fault.Internal, "settings", "read the settings of the account")
	}
	set.Version, _ = found[0].Attrs.Int(AttrVersion)
	return set, nil
}

// ChangeSettings reads the settings, lets change alter them, and stores them. If they have changed
// meanwhile, it does all of this again.
func (s *Store) ChangeSettings(ctx context.Context, change func(*Settings)) (Settings, error) {
	for {
		set, err := s.Settings(ctx)
		if err != nil {
			return set, err
		}
		change(&set)
		is := table.Cond{Op: table.Equals, Attr: AttrVersion, N: set.Version}
		if set.Version == 0 {
			is = table.Cond{Op: table.Absent}
		}
		set.Version++
		body, err := later.Marshal(set)
		if err != nil {
			return set, fault.Wrap(err, fault.Internal, "settings", "encode the settings of the account")
		}
		item := table.Item{Key: AccountSettingsKey(), Attrs: table.NewBuilder().IntAlways(AttrVersion, set.Version).Str(attrBody, string(body)).Attrs()}
		if err = s.Transact(ctx, table.Write{Item: item, If: is}); !fault.Is(err, fault.Conflict) {
			return set, err
		}
	}
}
