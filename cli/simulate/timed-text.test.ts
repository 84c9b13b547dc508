import { expect, test } from '@jest/globals';
import { CliError } from '../exit.js';
import { parseTimedText } from './timed-text.js';

test('reads OpenMetrics text: seconds, comments, exemplars', () => {
  const text = [
    '# TYPE gateway_requests counter',
    'gateway_requests_total{tool="memory.put",code="OK"} 10 1700000000.5 # {trace_id="a"} 1',
    'gateway_requests_total{tool="memory.put",code="OK"} 12 1700000015.5',
    'edge_count 7 1700000000.5',
    '# EOF',
  ].join('\n');
  expect(parseTimedText(text, 'x')).toEqual([
    {
      metric: { __name__: 'gateway_requests_total', tool: 'memory.put', code: 'OK' },
      values: [
        [1700000000.5, '10'],
        [1700000015.5, '12'],
      ],
    },
    { metric: { __name__: 'edge_count' }, values: [[1700000000.5, '7']] },
  ]);
});

test('reads a dump of promtool: the name among the labels, milliseconds, NaN and quoted braces', () => {
  const text =
    '{__name__="up", path="a\\"}b"} NaN 1700000000500\n{__name__="up", path="a\\"}b"} 1 1700000015500\n';
  expect(parseTimedText(text, 'x')).toEqual([
    {
      metric: { __name__: 'up', path: 'a"}b' },
      values: [
        [1700000000.5, 'NaN'],
        [1700000015.5, '1'],
      ],
    },
  ]);
});

test.each([
  ['edge_count 7', 'x:1: "edge_count 7" is not accepted; expected a timestamp after the value'],
  ['edge_count seven 1700000000', 'expected a number'],
  ['edge_count{tool=put} 7 1700000000', 'expected LABEL="VALUE"'],
  ['a line of prose', 'expected NAME{LABELS} VALUE TIMESTAMP'],
  ['edge_count{a="b" 7 1700000000', 'expected NAME{LABELS} VALUE TIMESTAMP'],
])('refuses %j and names the line', (text, message) => {
  expect(() => parseTimedText(text, 'x')).toThrow(CliError);
  expect(() => parseTimedText(text, 'x')).toThrow(message);
});
