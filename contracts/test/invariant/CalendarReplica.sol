// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "../Base.sol";
import {IWorkCalendar} from "../../src/interfaces/IWorkCalendar.sol";
import {Days} from "../../src/libraries/Days.sol";

/// @title The calendar's days and its accumulator, rebuilt from its events alone
contract CalendarReplica {
    bytes32 public accumulator;
    mapping(bytes32 topic => uint256) public seen;
    mapping(uint16 year => IWorkCalendar.Year) private sets;

    error CalendarReplicaUnknownEvent(bytes32 topic);

    function ingest(Vm.Log calldata log, uint256 number, uint256 time) external {
        bytes32 topic = log.topics[0];
        seen[topic] += 1;
        bytes memory body = log.data;
        if (topic == IWorkCalendar.YearLoaded.selector || topic == IWorkCalendar.DaysChanged.selector) {
            body = abi.encodePacked(log.topics[1], log.data);
            sets[uint16(uint256(log.topics[1]))].workdays = abi.decode(log.data, (uint256[2]));
        } else if (topic == IWorkCalendar.OutageDeclared.selector || topic == IWorkCalendar.OutageWithdrawn.selector) {
            (uint32 from, uint32 to) = abi.decode(log.data, (uint32, uint32));
            for (uint32 day = from; day <= to; ++day) {
                setOutage(day, topic == IWorkCalendar.OutageDeclared.selector);
            }
        } else {
            revert CalendarReplicaUnknownEvent(topic);
        }
        accumulator = keccak256(abi.encode(accumulator, topic, body, time, number));
    }

    function calendarOf(uint16 year) external view returns (IWorkCalendar.Year memory) {
        return sets[year];
    }

    function setOutage(uint32 day, bool declared) private {
        uint16 year = Days.yearOf(day);
        uint256 index = day - Days.startOf(year);
        uint256 bit = 1 << (index % 256);
        if (declared) sets[year].outages[index / 256] |= bit;
        else sets[year].outages[index / 256] &= ~bit;
    }
}
