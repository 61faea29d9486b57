package mover

import (
	"context"
	"errors"
	"iter"

	"golang.org/x/sync/errgroup"

	"reseed/pkg/fault"
	"reseed/pkg/objects"
)

// atOnce is how many objects are copied or compared at the same time. Each may take 24 MB.
const atOnce = 4

// copyObjects copies the objects that the target lacks, or has in another version. Those that it has
// are whole.
func (m *mover) copyObjects(ctx context.Context) error {
	m.report(Objects)
	has, stop := iter.Pull2(m.To.Objects.List(ctx, ""))
	defer stop()
	there, err, more := has()
	g, within := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for o, listing := range m.From.Objects.List(ctx, "") {
		if listing != nil {
			return errors.Join(listing, g.Wait())
		}
		for more && err == nil && there.Key < o.Key {
			there, err, more = has()
		}
		if err != nil {
			return errors.Join(err, g.Wait())
		}
		again := more && there.Key == o.Key
		g.Go(func() error {
			err := m.copyObject(within, o.Key, again)
			if err == nil {
				m.tell(func(p *Progress) { p.Objects++ })
			}
			return err
		})
	}
	return g.Wait()
}

// copyObject copies an object, unless the target has the same version of it. It leaves out what is
// no plain file, which no import reads either.
func (m *mover) copyObject(ctx context.Context, key string, again bool) error {
	info, err := m.From.Objects.Stat(ctx, key)
	if fault.CodeOf(err) == objects.CodeNotAFile {
		return nil
	}
	if err != nil {
		return err
	}
	if again {
		there, err := m.To.Objects.Stat(ctx, key)
		if err != nil || there.Version == info.Version {
			return err
		}
	}
	body, err := m.From.Objects.Open(ctx, key, info.Version, 0, -1)
	if err != nil {
		return err
	}
	return errors.Join(m.To.Objects.Bring(ctx, info, body), body.Close())
}
