package objects

import "context"

// Writer writes one object. The whole object exists once Close has returned nil; otherwise nothing
// of it does. A Writer must not be used by several goroutines.
type Writer struct {
	pending Pending
	around  func(change func() error) error
	closed  bool
}

func (o *Objects) write(ctx context.Context, key string, create bool) (*Writer, error) {
	if err := CheckKey(key); err != nil {
		return nil, err
	}
	pending, err := o.bucket.Begin(ctx, key, create)
	if err != nil {
		return nil, err
	}
	return &Writer{pending: pending, around: o.change}, nil
}

// Write adds to the object.
func (w *Writer) Write(p []byte) (int, error) { return w.pending.Write(p) }

// Close completes the object. When it returns nil the object is durable.
func (w *Writer) Close() error {
	if w.closed {
		return nil
	}
	return w.around(func() error {
		w.closed = true
		return w.pending.Commit()
	})
}

// Abort drops the object. After Close it does nothing.
func (w *Writer) Abort() {
	if w.closed {
		return
	}
	w.closed = true
	w.pending.Abort()
}
