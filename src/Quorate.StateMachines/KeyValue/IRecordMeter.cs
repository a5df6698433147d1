namespace Quorate.StateMachines.KeyValue;

/// <summary>Is told of the records of a large answer that were not copied; see <see cref="KvQueries.RangeHead"/>.</summary>
public interface IRecordMeter
{
    /// <summary>One record, in the order of the answer.</summary>
    /// <param name="keyBytes">Length of its key.</param>
    /// <param name="valueBytes">Length of its value; 0 if values are left out.</param>
    /// <param name="record">The rest of it; key and value are empty here.</param>
    void Add(int keyBytes, int valueBytes, in KeyValueRecord record);
}
