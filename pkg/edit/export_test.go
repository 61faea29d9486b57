package edit

import (
	"context"

	"reseed/pkg/fault"
	"reseed/pkg/table"
)

// The edits of these tests are made one by one, again and again until nobody was in between.

func (e *Edit) do(ctx context.Context, ch *Change) error {
	for {
		d, err := e.st.Directory(ctx)
		if err != nil {
			return err
		}
		writes, err := e.Writes(ctx, d, ch)
		if err != nil || len(writes) == 0 {
			return err
		}
		if err := e.st.Transact(ctx, writes...); !fault.Is(err, fault.Conflict) {
			return err
		}
	}
}

func (e *Edit) tags(ctx context.Context, ch *Change) ([]string, error) {
	err := e.do(ctx, ch)
	return ch.Tags, err
}

func (e *Edit) attributes(ctx context.Context, ch *Change) (map[string]Value, error) {
	err := e.do(ctx, ch)
	return ch.Attributes, err
}

func (e *Edit) row(ctx context.Context, ch *Change) (Row, error) {
	err := e.do(ctx, ch)
	return ch.Row, err
}

func (e *Edit) AddTags(ctx context.Context, c Customer, tags ...string) ([]string, error) {
	return e.tags(ctx, c.AddTags(tags...))
}

func (e *Edit) SetTags(ctx context.Context, c Customer, tags ...string) ([]string, error) {
	return e.tags(ctx, c.SetTags(tags...))
}

func (e *Edit) RemoveTags(ctx context.Context, c Customer, tags ...string) ([]string, error) {
	return e.tags(ctx, c.RemoveTags(tags...))
}

func (e *Edit) Set(ctx context.Context, c Customer, values map[string]Value) (map[string]Value, error) {
	return e.attributes(ctx, c.Set(values))
}

func (e *Edit) Put(ctx context.Context, c Customer, values map[string]Untyped) (map[string]Value, error) {
	return e.attributes(ctx, c.Put(values))
}

func (e *Edit) Remove(ctx context.Context, c Customer, names ...string) (map[string]Value, error) {
	return e.attributes(ctx, c.Remove(names...))
}

func (e *Edit) Change(ctx context.Context, rec Record, want table.Attrs, fields []string, by string) (Row, error) {
	return e.row(ctx, rec.Change(want, fields, by))
}

func (e *Edit) Revert(ctx context.Context, rec Record, fields ...string) (Row, error) {
	return e.row(ctx, rec.Revert(fields...))
}

func (e *Edit) Disable(ctx context.Context, rec Record, disabled bool, by string) (Row, error) {
	return e.row(ctx, rec.Disable(disabled, by))
}

func (e *Edit) Delete(ctx context.Context, rec Record, by string) (Row, error) {
	return e.row(ctx, rec.Delete(by))
}
