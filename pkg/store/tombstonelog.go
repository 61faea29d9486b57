package store

import (
	"encoding/json"
	"slices"

	"reseed/pkg/fault"
	"reseed/pkg/table"
)

// tombstoneChange says that the tombstones of an erase were added, or removed.
type tombstoneChange struct {
	Version int64       `json:"v"` // the version of the directory that holds this change
	Job     string      `json:"job"`
	Gone    bool        `json:"gone,omitempty"`
	Stones  []Tombstone `json:"tombstones,omitempty"` // without their Job
}

func (c tombstoneChange) undone() tombstoneChange {
	c.Gone = !c.Gone
	return c
}

// tombstoneLog holds the latest changes: all changes after the version From. A process that knows
// the tombstones of From or a later version can compute the tombstones of any other such version
// from the log, without reading them.
type tombstoneLog struct {
	From    int64             `json:"from"`
	Changes []tombstoneChange `json:"changes"`
}

// maxLogged is how many tombstones the log holds: about 8 KB, one read unit.
const maxLogged = 64

// add adds a change, and drops the oldest ones. The newest stays, however large it is (an erase of
// 100 merged customers takes 13 KB). So a process that knows the version before never has to read
// all tombstones.
func (l *tombstoneLog) add(c tombstoneChange) {
	l.Changes = append(l.Changes, c)
	n, newest := 0, len(l.Changes)-1
	for i, c := range slices.Backward(l.Changes) {
		if n += max(1, len(c.Stones)); n > maxLogged && i < newest {
			l.From, l.Changes = c.Version, l.Changes[i+1:]
			return
		}
	}
}

// replay computes the tombstones of one version from the tombstones of another version, older or
// newer. ok is false if the log does not reach back to both.
func (l *tombstoneLog) replay(s *tombstones, to int64) (there *tombstones, ok bool) {
	if l.From > min(s.version, to) {
		return nil, false
	}
	var way []tombstoneChange
	for _, c := range l.Changes {
		if c.Version > s.version && c.Version <= to {
			way = append(way, c)
		}
	}
	for _, c := range slices.Backward(l.Changes) {
		if c.Version > to && c.Version <= s.version {
			way = append(way, c.undone())
		}
	}
	return s.with(to, way...), true
}

func encodeBody(key table.Key, v any) (table.Item, error) {
	body, err := json.Marshal(v)
	return table.Item{Key: key, Attrs: table.NewBuilder().Str(attrBody, string(body)).Attrs()}, fault.Wrap(err, fault.Internal, "directory", "encode tombstones")
}

func decodeBody(a table.Attrs, v any) error {
	return fault.Wrap(json.Unmarshal([]byte(a.Str(attrBody)), v), fault.Internal, "directory", "read tombstones")
}
