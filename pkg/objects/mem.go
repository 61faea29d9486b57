package objects

import (
	"bytes"
	"context"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Memory is a [Bucket] in memory. The zero value is empty and ready.
type Memory struct {
	mu      sync.Mutex
	objects map[string]stored
}

// stored is an object in memory. Its body is never changed.
type stored struct {
	body     []byte
	modified time.Time
	version  string // of the store that it was brought from; "" for an object of this one
}

// Mem stores objects in memory.
func Mem() *Objects { return Over(&Memory{}) }

// Clone returns another bucket with the same objects.
func (m *Memory) Clone() *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &Memory{objects: maps.Clone(m.objects)}
}

// find returns one version of an object, or the newest for "".
func (m *Memory) find(key, version string) (stored, Info, error) {
	m.mu.Lock()
	o, ok := m.objects[key]
	m.mu.Unlock()
	if !ok {
		return o, Info{}, gone()
	}
	size := int64(len(o.body))
	info := Info{Key: key, Size: size, Version: o.version, Modified: o.modified, Brought: o.version != ""}
	if !info.Brought {
		info.Version = timedVersion(o.modified, size)
	}
	if version != "" && version != info.Version {
		return o, info, gone()
	}
	return o, info, nil
}

// Begin implements [Bucket].
func (m *Memory) Begin(ctx context.Context, key string, create bool) (Pending, error) {
	return &memoryWriter{ctx: ctx, memory: m, key: key, create: create}, nil
}

// Bring implements [Bucket].
func (m *Memory) Bring(ctx context.Context, key string, was Info) (Pending, error) {
	return &memoryWriter{ctx: ctx, memory: m, key: key, was: was}, nil
}

type memoryWriter struct {
	bytes.Buffer
	ctx    context.Context
	memory *Memory
	key    string
	create bool
	was    Info // of an object that is brought
}

// Commit implements [Pending].
func (w *memoryWriter) Commit() error {
	if err := w.ctx.Err(); err != nil {
		return unavailable(err, "complete an object")
	}
	m := w.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.objects[w.key]; there && w.create {
		return exists()
	}
	if m.objects == nil {
		m.objects = map[string]stored{}
	}
	made := stored{w.Bytes(), w.was.Modified, w.was.Version}
	if made.version == "" {
		made.modified = time.Now() //nolint:forbidigo // a file gets its time from the system, too
	}
	m.objects[w.key] = made
	return nil
}

// Abort implements [Pending].
func (*memoryWriter) Abort() {}

// Open implements [Bucket].
func (m *Memory) Open(_ context.Context, key, version string, offset, length int64) (io.ReadCloser, error) {
	o, info, err := m.find(key, version)
	if err != nil {
		return nil, err
	}
	body := o.body[min(offset, info.Size):]
	if length >= 0 {
		body = body[:min(length, int64(len(body)))]
	}
	return io.NopCloser(bytes.NewReader(body)), nil
}

// Stat implements [Bucket].
func (m *Memory) Stat(_ context.Context, key, version string) (Info, error) {
	_, info, err := m.find(key, version)
	if err != nil {
		return Info{}, err
	}
	return info, nil
}

// keys returns the keys that begin with prefix, in order.
func (m *Memory) keys(prefix string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var keys []string
	for key := range m.objects {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// List implements [Bucket].
func (m *Memory) List(_ context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		for _, key := range m.keys(prefix) {
			_, info, err := m.find(key, "")
			if err != nil { // removed meanwhile
				continue
			}
			info.Version, info.Brought = "", false
			if !yield(info, nil) {
				return
			}
		}
	}
}

// Folders implements [Bucket].
func (m *Memory) Folders(_ context.Context, prefix, _ string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		last := ""
		for _, key := range m.keys(prefix) {
			name, _, deeper := strings.Cut(key[len(prefix):], "/")
			if !deeper || name == last {
				continue
			}
			if last = name; !yield(prefix+name+"/", nil) {
				return
			}
		}
	}
}

// Delete implements [Bucket].
func (m *Memory) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, key)
	return nil
}

// DeleteAll implements [Bucket].
func (m *Memory) DeleteAll(_ context.Context, prefix string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := len(m.objects)
	maps.DeleteFunc(m.objects, func(key string, _ stored) bool { return strings.HasPrefix(key, prefix) })
	return int64(before - len(m.objects)), nil
}

// Link implements [Bucket]. Objects in memory have no links.
func (*Memory) Link(context.Context, string) (string, error) { return "", nil }

// Form implements [Bucket]. Objects in memory are not sent by forms.
func (*Memory) Form(context.Context, string, int64) (Form, error) { return Form{}, nil }
