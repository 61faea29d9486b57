package importer

import (
	"bufio"
	"context"
	"encoding/json"
	"io"

	"github.com/klauspost/compress/zstd"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
)

// A change set is the exact list of what one key range of one stage changes,
// in key order. It is stored whole, create-only, before the first table write;
// whoever runs the range again applies it and never compares anew. So counts
// stay exact whatever is killed (I6).
//
// Layout: zstd of a sequence of frames, each a letter and length-prefixed
// parts: 'c' key, attributes before, attributes after (no "before" = added),
// and at the end one 'e' with the JSON of summary. Without the end it is not whole.

// change is one item before and after.
type change struct {
	sk            string
	before, after store.Attrs
}

// summary is what a range came to.
type summary struct {
	Datasets map[string]job.Counts `json:"datasets"`
}

func (s *summary) count(dataset string, f func(*job.Counts)) {
	if s.Datasets == nil {
		s.Datasets = map[string]job.Counts{}
	}
	c := s.Datasets[dataset]
	f(&c)
	s.Datasets[dataset] = c
}

func (s *summary) add(o summary) {
	for name, c := range o.Datasets {
		s.count(name, func(mine *job.Counts) { *mine = mine.Add(c) })
	}
}

type changeWriter struct {
	z   *zstd.Encoder
	buf []byte
}

func newChangeWriter(w io.Writer) (*changeWriter, error) {
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "compress", "compress a change set")
	}
	return &changeWriter{z: z}, nil
}

func (w *changeWriter) change(c change) error {
	w.buf = append(w.buf[:0], 'c')
	w.buf = appendText(w.buf, c.sk)
	w.buf = appendText(w.buf, string(c.before))
	w.buf = appendText(w.buf, string(c.after))
	return w.flush()
}

func (w *changeWriter) flush() error {
	_, err := w.z.Write(w.buf)
	return fault.Wrap(err, fault.Unavailable, "change_set", "store a change set")
}

// end closes the set; the underlying writer stays open.
func (w *changeWriter) end(s summary) error {
	body, err := json.Marshal(s)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "change_set", "store a change set")
	}
	w.buf = appendText(append(w.buf[:0], 'e'), string(body))
	if err := w.flush(); err != nil {
		return err
	}
	return fault.Wrap(w.z.Close(), fault.Unavailable, "change_set", "store a change set")
}

// readChanges calls each for every change, in key order, and returns the
// summary. A set that does not end properly is an error.
func readChanges(ctx context.Context, r io.Reader, each func(change) error) (summary, error) {
	damaged := fault.New(fault.Internal, "damaged_change_set", "a change set of this import cannot be read")
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	if err != nil {
		return summary{}, damaged
	}
	defer z.Close()
	in := &runReader{r: bufio.NewReaderSize(z, 64<<10)}
	for {
		if err := ctx.Err(); err != nil {
			return summary{}, err
		}
		switch letter, err := in.r.ReadByte(); {
		case err != nil:
			return summary{}, damaged
		case letter == 'e':
			var s summary
			body, err := in.bytes()
			if err != nil || json.Unmarshal(body, &s) != nil {
				return s, damaged
			}
			return s, nil
		case letter != 'c':
			return summary{}, damaged
		}
		var parts [3][]byte
		for i := range parts {
			if parts[i], err = in.bytes(); err != nil {
				return summary{}, damaged
			}
		}
		if err := each(change{string(parts[0]), parts[1], parts[2]}); err != nil {
			return summary{}, err
		}
	}
}
