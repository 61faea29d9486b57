// Package config reads the settings of a deployed Reseed out of its environment.
//
// [Read] finds every fault of the environment at once. What a function needs is a
// [Need]; whatever it does not need may be missing, but never wrong. Variables
// of the AWS SDK (region, credentials, endpoints) are the SDK's own.
package config
