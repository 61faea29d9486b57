// Package config reads Reseed's settings from the environment.
//
// [Read] reports all mistakes at once. Its caller says which settings it needs ([Need]); others may
// be missing, but must not be wrong. The AWS SDK reads its own variables (region, credentials,
// endpoints) itself.
package config
