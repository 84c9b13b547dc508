import { connectivityState } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Line } from './line.js';

const { CONNECTING, IDLE, READY, TRANSIENT_FAILURE } = connectivityState;

describe('a line', () => {
  let opened: { state: connectivityState; closed: boolean }[];
  const open = () => {
    const channel = { state: IDLE, closed: false };
    opened.push(channel);
    return {
      getChannel: () => ({ getConnectivityState: () => channel.state }),
      close: () => void (channel.closed = true),
    };
  };

  beforeEach(() => {
    jest.useFakeTimers();
    opened = [];
  });
  afterEach(() => void jest.useRealTimers());

  test.each([CONNECTING, TRANSIENT_FAILURE])('in state %s is dialled anew after five seconds', (state) => {
    const line = new Line(open);
    line.channel();
    opened[0]!.state = state;
    jest.advanceTimersByTime(4_999);
    expect(opened).toHaveLength(1);
    jest.advanceTimersByTime(1);
    expect(opened.map(({ closed }) => closed)).toEqual([true, false]);
  });

  test.each([READY, IDLE])('in state %s stays as it is', (state) => {
    const line = new Line(open);
    line.channel();
    opened[0]!.state = state;
    jest.advanceTimersByTime(60_000);
    expect(opened).toEqual([{ state, closed: false }]);
  });

  test('is dialled once every five seconds, however many calls are made', () => {
    const line = new Line(open);
    for (let second = 0; second < 20; second++) {
      for (let call = 0; call < 10; call++) line.channel();
      for (const channel of opened) channel.state = CONNECTING;
      jest.advanceTimersByTime(1_000);
    }
    expect(opened).toHaveLength(5);
  });

  test('that is closed opens nothing any more', () => {
    const line = new Line(open);
    line.channel();
    opened[0]!.state = CONNECTING;
    line.close();
    line.channel();
    jest.advanceTimersByTime(60_000);
    expect(opened).toEqual([{ state: CONNECTING, closed: true }]);
  });
});
