# SPDX-License-Identifier: MIT OR Apache-2.0
"""`e2ee.signal` under the machine of devices without a store."""

from tests.properties.standalone import StandaloneMachine

TestStandalone = StandaloneMachine.TestCase
