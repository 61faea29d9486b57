package credentialstest

import (
	"context"
	"maps"
	"sync"

	"reseed/pkg/credentials"
)

// Memory is a vault in memory, for tests.
type Memory struct {
	mu   sync.Mutex
	kept map[string]map[string]string
}

// Get implements [credentials.Vault].
func (m *Memory) Get(_ context.Context, source string) (map[string]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, there := m.kept[source]
	if err := credentials.CheckSource(source); err != nil {
		return nil, err
	}
	if !there {
		return nil, credentials.ErrNone()
	}
	return maps.Clone(c), nil
}

// Put implements [credentials.Vault].
func (m *Memory) Put(_ context.Context, source string, c map[string]string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == nil {
		m.kept = map[string]map[string]string{}
	}
	m.kept[source] = maps.Clone(c)
	return credentials.CheckSource(source)
}

// Delete implements [credentials.Vault].
func (m *Memory) Delete(_ context.Context, source string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.kept, source)
	return credentials.CheckSource(source)
}
