package dev.preforklab.load;

/**
 * One request on its way.
 *
 * @param id serial number in the run, from 0
 * @param endpoint index into the profile's endpoints
 * @param source the arrival process's source it came from; a closed loop's user
 * @param intendedNs when it was due; latency counts from here, however long it waited since
 */
public record Request(long id, int endpoint, int source, long intendedNs) {}
